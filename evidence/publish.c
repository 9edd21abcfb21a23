#include "evidence/publish.h"

#include "common/attestation/report_data.h"
#include "common/buffer.h"
#include "common/build_info.h"
#include "common/certificate.h"
#include "common/file.h"
#include "common/log.h"
#include "evidence/file_set.h"
#include "evidence/generation.h"
#include "evidence/guest_proof.h"
#include "evidence/leave_root.h"
#include "evidence/manifest.h"
#include "evidence/publication_lock.h"
#include "evidence/sha256sum.h"
#include "evidence/source_files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Longer than another publication takes with a slow guest agent. */
	LOCK_WAIT_SECONDS = 60,
	CERT_FILE_NAME_SIZE = sizeof("cert-.pem") + sizeof(domain_name),
	WORLD_READABLE = 0555, /* a folder's mode bits */
};

/* ---- the files */

typedef int read_source(const char *path, struct buffer *text, struct error *err);

static int add_source(struct file_set *set, const char *name, const char *path, read_source *reader,
		      struct error *err)
{
	struct buffer text;

	buffer_init(&text, EVIDENCE_FILE_MAX);
	int result = reader(path, &text, err);
	if (result == 0)
		result = file_set_add(set, name, buffer_text(&text), text.length, err);
	buffer_free(&text);
	return result;
}

static int add_cert(struct file_set *set, const struct publish_cert *cert, struct error *err)
{
	char name[CERT_FILE_NAME_SIZE];

	snprintf(name, sizeof(name), "cert-%s.pem", cert->domain);
	return add_source(set, name, cert->chain_path, source_read_chain, err);
}

static int add_sources(struct file_set *set, const struct publish_request *request,
		       struct error *err)
{
	if (request->account_path != NULL &&
	    add_source(set, "acme-account.json", request->account_path, source_read_account, err) !=
		0)
		return -1;
	for (size_t i = 0; i < request->cert_count; i++)
		if (add_cert(set, &request->certs[i], err) != 0)
			return -1;
	return 0;
}

static int add_sha256sum(struct file_set *set, struct error *err)
{
	struct buffer text;
	int result = -1;

	buffer_init(&text, EVIDENCE_FILE_MAX);
	sha256sum_write(set, &text);
	if (buffer_check(&text, "sha256sum.txt", err) == 0)
		result = file_set_add(set, "sha256sum.txt", buffer_text(&text), text.length, err);
	buffer_free(&text);
	return result;
}

static int add_proof(struct file_set *set, const struct guest_proof *proof, struct error *err)
{
	const struct buffer *answer = &proof->answer, *bytes = &proof->attestation;

	if (proof->kind[0] == '\0')
		return file_set_add(set, "quote.json", buffer_text(answer), answer->length, err);
	log_info("the guest agent gives no quote but an attestation, of the kind %s", proof->kind);
	if (file_set_add(set, "attestation.bin", buffer_text(bytes), bytes->length, err) != 0)
		return -1;
	return file_set_add(set, "attestation.json", buffer_text(answer), answer->length, err);
}

/* Connecting to the guest agent is the last step that needs root.  From then on this process is
 * another user, who owns `folder`. */
static int ask_for_proof(struct file_set *set, struct guest_agent *agent,
			 struct shared_folder *folder, char kind[PLATFORM_KIND_SIZE],
			 struct error *err)
{
	const struct evidence_file *sums = file_set_find(set, "sha256sum.txt");
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
	struct guest_proof proof;

	if (report_data_of_files((struct text_span){sums->data, sums->length}, report_data, err) !=
	    0)
		return -1;
	agent->connected = leave_root_for_folder;
	agent->connected_arg = folder;
	agent->helpers_wanted = GUEST_PROOF_HELPERS + GUEST_VERSION_HELPERS;
	guest_proof_init(&proof, GUEST_ATTEST_ANSWER_MAX);
	int result = guest_proof_ask(agent, report_data, &proof, err);
	if (result == 0)
		result = add_proof(set, &proof, err);
	memcpy(kind, proof.kind, sizeof(proof.kind));
	guest_proof_free(&proof);
	return result;
}

/* Without the history, or with a part of it, the manifest tells less. */
static void read_history(int fd, struct buffer *text)
{
	char chunk[16 * 1024];
	ssize_t got;

	while (fd >= 0 && (got = read(fd, chunk, sizeof(chunk))) > 0)
		if (buffer_append(text, chunk, (size_t)got) != 0)
			break;
	if (fd >= 0)
		close(fd);
}

static int add_manifest(struct file_set *set, const struct publish_request *request,
			struct guest_agent *agent, const char *kind, const struct buffer *history,
			struct error *err)
{
	char version[GUEST_VERSION_MAX + 1], revision[BUILD_REVISION_MAX + 1];
	const struct manifest_input input = {
	    .files = set,
	    .revision = revision,
	    .agent_kind = guest_agent_api_name(agent),
	    .agent_version = version,
	    .platform_kind = kind,
	    .directory = request->directory,
	    .history = history,
	    .now = time(NULL),
	};
	struct buffer text;

	guest_agent_version(agent, version);
	build_info_revision(BUILD_INFO_PATH, revision);
	buffer_init(&text, EVIDENCE_FILE_MAX);
	int result = manifest_write(&input, &text, err);
	if (result == 0)
		result = file_set_add(set, "manifest.json", buffer_text(&text), text.length, err);
	buffer_free(&text);
	return result;
}

/* Behind sha256sum.txt, which lists neither. */
static int add_attested(struct file_set *set, const struct publish_request *request,
			struct shared_folder *folder, struct error *err)
{
	char kind[PLATFORM_KIND_SIZE];
	struct guest_agent agent = {0};
	struct buffer history;
	int result = -1;

	buffer_init(&history, HISTORY_MAX);
	read_history(request->history_fd, &history);
	if (guest_agent_find(request->dstack_socket, request->tappd_socket, &agent, err) == 0 &&
	    ask_for_proof(set, &agent, folder, kind, err) == 0)
		result = add_manifest(set, request, &agent, kind, &history, err);
	guest_agent_close(&agent);
	buffer_free(&history);
	return result;
}

/* ---- all of it */

/* The server runs as a user of its own, other readers as whoever they are. */
static void warn_if_closed(const struct shared_folder *folder)
{
	struct stat info;

	if (fstat(folder->fd, &info) == 0 && (info.st_mode & WORLD_READABLE) != WORLD_READABLE)
		log_warn("%s has mode %04o, so that not everybody can read the evidence in it; "
			 "chmod 755 helps",
			 folder->path, (unsigned)info.st_mode & 07777);
}

int publish(const struct publish_request *request, struct error *err)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct shared_folder folder;
	/* The lock is taken before the files are read, so that the later of two publications has
	 * the newer files. */
	AUTO_CLOSE int lock = publication_lock(request->run_dir, LOCK_WAIT_SECONDS, err);

	if (lock < 0 || shared_folder_open(request->evidence_dir, &folder, err) != 0)
		return -1;
	warn_if_closed(&folder);
	int result = -1;
	if (add_sources(&set, request, err) == 0 && add_sha256sum(&set, err) == 0 &&
	    add_attested(&set, request, &folder, err) == 0)
		result = generation_publish(&folder, &set, err);
	file_close(&folder.fd);
	if (result != 0)
		return -1;
	log_info("evidence published for %zu certificate%s", request->cert_count,
		 request->cert_count == 1 ? "" : "s");
	return 0;
}
