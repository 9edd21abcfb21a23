/*
 * ingress-evidence: proof that the certificates' keys live in an attested virtual machine.
 *
 *   identity   who this machine is, as its guest agent says
 *   origin     keeps the record of the keys that were made here
 *   webhook    tells the operator's webhook which records he is to make
 *   publish    makes one generation of evidence
 *   serve      serves the current generation over HTTP
 *   attest     makes a quote over it for whoever asks
 */
#include "common/command_line.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "evidence/guest_agent.h"
#include "evidence/leave_root.h"
#include "evidence/listening.h"
#include "evidence/origin.h"
#include "evidence/publish.h"
#include "evidence/serve.h"
#include "evidence/webhook.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SUPERVISOR_FD = 3, /* where the supervisor puts the listening socket */
	PROBLEMS_MAX = 64 * 1024,
	CERT_LIST_MAX = 16 * 1024 * 1024, /* SETTINGS_DOMAINS_MAX lines of any length there is */
};

/* What the options of all commands set.  `made` has room for more than there can be. */
struct values {
	const struct settings *settings;
	int fd; /* -1: none */
	const char *socket;
	struct key_entry *made;
	struct origin_request origin;
	struct publish_cert *certs;
	size_t certs_room;
	struct buffer cert_list; /* of --certs; `certs` points into it */
	struct publish_request publish;
};

static int print_line(char *line, struct error *err)
{
	int result = 0;

	if (line == NULL)
		return -1;
	if (puts(line) == EOF || fflush(stdout) != 0)
		result = error_set_errno(err, EXIT_FAILED, errno, "cannot write to stdout");
	free(line);
	return result;
}

/* ---- identity */

static int run_identity(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;
	const struct settings *settings = v->settings;
	struct guest_agent agent;
	struct guest_identity identity;

	(void)arguments;
	(void)count;
	if (guest_agent_find(settings->dstack_socket, settings->tappd_socket, &agent, err) != 0)
		return -1;
	agent.connected = leave_root;
	if (guest_agent_identity(&agent, &identity, err) != 0)
		return -1;
	AUTO_JSON cJSON *object = cJSON_CreateObject();
	if (cJSON_AddStringToObject(object, "app_id", identity.app_id) == NULL ||
	    cJSON_AddStringToObject(object, "instance_id", identity.instance_id) == NULL ||
	    cJSON_AddStringToObject(object, "compose_hash", identity.compose_hash) == NULL ||
	    cJSON_AddStringToObject(object, "os_image_hash", identity.os_image_hash) == NULL ||
	    cJSON_AddStringToObject(object, "api", guest_agent_api_name(&agent)) == NULL)
		return error_no_memory(err);
	return print_line(json_print(object, false, err), err);
}

/* ---- origin */

static int take_descriptor(void *values, const struct command_option *option, char *text,
			   struct error *err)
{
	int *fd = (int *)(void *)((char *)values + option->place);
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 0 || value > INT_MAX)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--%s \"%s\" is not the number of a file descriptor", option->name,
				 text);
	*fd = (int)value;
	return 0;
}

/* NAME=SPKI:SERIAL; `text` is cut up. */
static int parse_made(char *text, struct key_entry *entry, struct error *err)
{
	char *rest = text;
	const char *name = strsep(&rest, "=");
	const char *spki = strsep(&rest, ":");

	*entry = (struct key_entry){.made_at = time(NULL)};
	if (spki == NULL || rest == NULL || strlen(name) >= sizeof(entry->name) ||
	    strlen(spki) >= sizeof(entry->spki) || strlen(rest) >= sizeof(entry->serial))
		return error_set(err, EXIT_USAGE_ERROR, "--made \"%s\" is not NAME=SPKI:SERIAL",
				 name);
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(entry->spki, sizeof(entry->spki), "%s", spki);
	snprintf(entry->serial, sizeof(entry->serial), "%s", rest);
	if (!key_entry_is_valid(entry))
		return error_set(err, EXIT_USAGE_ERROR,
				 "--made \"%s\": not a name, a SHA-256 and a serial", name);
	return 0;
}

static int take_made(void *values, const struct command_option *option, char *text,
		     struct error *err)
{
	struct values *v = values;

	(void)option;
	return parse_made(text, &v->made[v->origin.made_count++], err);
}

static int run_origin(void *values, char **arguments, size_t count, struct error *err)
{
	struct values *v = values;

	(void)arguments;
	(void)count;
	v->origin.dstack_socket = v->settings->dstack_socket;
	v->origin.tappd_socket = v->settings->tappd_socket;
	v->origin.made = v->made;
	return print_line(origin_answer(&v->origin, err), err);
}

/* ---- publish */

/* NAME=CHAIN.pem */
static int parse_cert(char *text, struct publish_cert *cert, struct error *err)
{
	char *separator = strchr(text, '=');

	if (separator == NULL || separator[1] == '\0')
		return error_set(err, EXIT_USAGE_ERROR, "--cert \"%s\" is not NAME=CHAIN.pem",
				 text);
	enum domain_verdict verdict = domain_parse(text, (size_t)(separator - text), cert->domain);
	if (verdict != DOMAIN_VALID)
		return error_set(err, EXIT_USAGE_ERROR, "--cert \"%s\": the name %s", text,
				 domain_verdict_text(verdict));
	cert->chain_path = separator + 1;
	return 0;
}

static int add_cert(struct values *v, char *text, struct error *err)
{
	if (v->publish.cert_count == v->certs_room) {
		size_t room = v->certs_room == 0 ? 16 : 2 * v->certs_room;
		struct publish_cert *longer = realloc(v->certs, room * sizeof(*longer));
		if (longer == NULL)
			return error_no_memory(err);
		v->certs = longer;
		v->certs_room = room;
	}
	return parse_cert(text, &v->certs[v->publish.cert_count++], err);
}

static int take_cert(void *values, const struct command_option *option, char *text,
		     struct error *err)
{
	(void)option;
	return add_cert(values, text, err);
}

/* Thousands of them are more than the words of a command line may be. */
static int take_certs(void *values, const struct command_option *option, char *path,
		      struct error *err)
{
	struct values *v = values;

	buffer_reset(&v->cert_list);
	if (file_read(path, &v->cert_list, err) != 0)
		return error_wrap(err, "--%s", option->name);
	char *rest = v->cert_list.data, *line;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0' && add_cert(v, line, err) != 0)
			return -1;
	return 0;
}

static int run_publish(void *values, char **arguments, size_t count, struct error *err)
{
	struct values *v = values;

	(void)arguments;
	(void)count;
	v->publish.evidence_dir = v->settings->evidence_dir;
	v->publish.run_dir = v->settings->run_dir;
	v->publish.dstack_socket = v->settings->dstack_socket;
	v->publish.tappd_socket = v->settings->tappd_socket;
	v->publish.certs = v->certs;
	if (v->publish.cert_count == 0)
		return error_set(err, EXIT_USAGE_ERROR, "publish needs a certificate");
	return publish(&v->publish, err);
}

/* ---- serve */

static int run_server(const struct values *v, bool attests, struct error *err)
{
	struct serve_options serve_options = {
	    .evidence_dir = v->settings->evidence_dir,
	    .attests = attests,
	    .dstack_socket = v->settings->dstack_socket,
	    .tappd_socket = v->settings->tappd_socket,
	};

	if (v->socket != NULL && v->fd >= 0)
		return error_set(err, EXIT_USAGE_ERROR, "%s takes --fd or --socket, not both",
				 attests ? "attest" : "serve");
	serve_options.fd = v->socket != NULL
			       ? listening_unix(v->socket, err)
			       : listening_inherited(v->fd >= 0 ? v->fd : SUPERVISOR_FD, err);
	return serve_options.fd < 0 ? -1 : serve(&serve_options, err);
}

static int run_serve(void *values, char **arguments, size_t count, struct error *err)
{
	(void)arguments;
	(void)count;
	return run_server(values, false, err);
}

static int run_attest(void *values, char **arguments, size_t count, struct error *err)
{
	(void)arguments;
	(void)count;
	return run_server(values, true, err);
}

/* ---- webhook */

static int run_webhook(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	(void)arguments;
	(void)count;
	return webhook_tell(v->settings, STDIN_FILENO, err);
}

/* ---- dispatch */

#define PLACE(member) .place = offsetof(struct values, member)

static const struct command_option origin_options[] = {
    {.name = "record-fd",
     .value = "N",
     .help = "where the record is read from",
     PLACE(origin.record_fd),
     .take = take_descriptor},
    {.name = "made",
     .value = "NAME=SPKI:SERIAL",
     .help = "a key that was made here; any number of them",
     .take = take_made},
    {.name = NULL},
};

static const struct command_option publish_options[] = {
    {.name = "cert", .value = "NAME=CHAIN.pem", .help = "the chain of a domain", .take = take_cert},
    {.name = "certs",
     .value = "FILE",
     .help = "the chains of many, one on each line of FILE; one at least is\n"
	     "needed here or there",
     .take = take_certs},
    {.name = "account",
     .value = "FILE",
     .help = "the ACME account (certbot's regr.json)",
     PLACE(publish.account_path)},
    {.name = "directory",
     .value = "URL",
     .help = "the CA's, which the account belongs to",
     PLACE(publish.directory)},
    {.name = "history-fd",
     .value = "N",
     .help = "where the list of all certificates there ever were is read from",
     PLACE(publish.history_fd),
     .take = take_descriptor},
    {.name = NULL},
};

static const struct command_option server_options[] = {
    {.name = "fd",
     .value = "N",
     .help = "an inherited listening socket (default: 3)",
     PLACE(fd),
     .take = take_descriptor},
    {.name = "socket", .value = "PATH", .help = "a unix socket instead", PLACE(socket)},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "identity",
     .arguments = "",
     .help = "asks the guest agent who this virtual machine is; prints JSON",
     .run = run_identity},
    {.name = "origin",
     .arguments = "",
     .help = "reads the record of keys that were made here from a file\n"
	     "descriptor, adds to it, and prints it anew as JSON, under a MAC\n"
	     "by a key that the guest agent gives to this app alone",
     .options = origin_options,
     .run = run_origin},
    {.name = "webhook",
     .arguments = "",
     .help = "reads from standard input which records the operator is to\n"
	     "make, as JSON, and posts them to DNS_WEBHOOK_URL, with an HMAC\n"
	     "by DNS_WEBHOOK_TOKEN and the guest agent's quote over them",
     .run = run_webhook},
    {.name = "publish",
     .arguments = "",
     .help = "makes a new generation of evidence in EVIDENCE_DIR: the ACME\n"
	     "account, the certificate chain of each domain, their digests,\n"
	     "and the guest agent's quote over these",
     .options = publish_options,
     .run = run_publish},
    {.name = "serve",
     .arguments = "",
     .help = "serves the current generation at /evidences/ over HTTP/1.1",
     .options = server_options,
     .run = run_serve},
    {.name = "attest",
     .arguments = "",
     .help = "answers /evidences/attestation.json?nonce=HEX with a new quote",
     .options = server_options,
     .run = run_attest},
};

static int run_with_settings(const struct command *command, void *arg, char **arguments,
			     size_t count, struct error *err)
{
	struct values *v = arg;
	struct buffer problems, warnings;
	int result = -1;

	buffer_init(&problems, PROBLEMS_MAX);
	buffer_init(&warnings, PROBLEMS_MAX);
	unsigned audience = command->run == run_webhook ? FOR_EVIDENCE | FOR_WEBHOOK : FOR_EVIDENCE;
	struct settings *settings = settings_load_for(audience, environ, &problems, &warnings, err);
	v->settings = settings;
	if (settings != NULL)
		result = command->run(v, arguments, count, err);
	else
		log_lines(LOG_ERROR, settings_other_problems(&problems));
	settings_free(settings);
	buffer_free(&problems);
	buffer_free(&warnings);
	return result;
}

static const struct program program = {
    .name = "ingress-evidence",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .around = run_with_settings,
    .notes = "Environment: EVIDENCE_DIR, RUN_DIR, DSTACK_SOCKET, TAPPD_SOCKET, LOG_LEVEL,\n"
	     "LOG_FORMAT; for webhook: DNS_WEBHOOK_URL, DNS_WEBHOOK_TOKEN,\n"
	     "DNS_WEBHOOK_TIMEOUT, DNS_WEBHOOK_CA_BUNDLE.\n" EXIT_STATUS_NOTES,
};

int main(int argc, char **argv)
{
	struct values values = {
	    .fd = -1,
	    .made = calloc((size_t)argc + 1, sizeof(*values.made)),
	    .origin.record_fd = -1,
	    .publish.history_fd = -1,
	};
	int status = EXIT_TRY_LATER;

	buffer_init(&values.cert_list, CERT_LIST_MAX);

	log_setup_from_environment("ingress-evidence");
	if (values.made != NULL)
		status = command_line_run(&program, argc, argv, &values);
	else
		log_error("out of memory");
	free(values.made);
	free(values.certs);
	buffer_free(&values.cert_list);
	return status;
}
