#include "supervisor/lineage.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TRIES = 10000, PATH_LENGTH_MAX = 4096, RENEWAL_CONF_MAX = 256 * 1024 };

void lineage_clear(struct lineage *lineage)
{
	free(lineage->name);
	free(lineage->fullchain_path);
	free(lineage->privkey_path);
	certificate_free(lineage->certificate);
	*lineage = (struct lineage){0};
}

static char *path_in(const char *live, const char *name, const char *file)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s/%s", live, name, file) < 0 ? NULL : path;
}

static int load(const char *live, const char *name, struct lineage *lineage, struct error *err)
{
	struct buffer pem;
	int rc = -1;

	buffer_init(&pem, CERTIFICATE_PEM_MAX);
	lineage->name = strdup(name);
	lineage->fullchain_path = path_in(live, name, "fullchain.pem");
	lineage->privkey_path = path_in(live, name, "privkey.pem");
	if (!lineage->name || !lineage->fullchain_path || !lineage->privkey_path) {
		error_no_memory(err);
		goto out;
	}
	if (file_read(lineage->fullchain_path, &pem, err) != 0)
		goto out;
	lineage->certificate = certificate_parse(pem.data, pem.length, err);
	if (lineage->certificate == NULL) {
		error_wrap(err, "%s", lineage->fullchain_path);
		goto out;
	}
	rc = 0;
out:
	buffer_free(&pem);
	if (rc != 0)
		lineage_clear(lineage);
	return rc;
}

static void check_key(struct lineage *lineage)
{
	struct error ignored = ERROR_INIT; /* told by who installs it */
	struct buffer chain, key;

	buffer_init(&chain, CERTIFICATE_PEM_MAX);
	buffer_init(&key, CERTIFICATE_PEM_MAX);
	lineage->has_its_key =
	    file_read(lineage->fullchain_path, &chain, &ignored) == 0 &&
	    file_read(lineage->privkey_path, &key, &ignored) == 0 &&
	    certificate_check_key(chain.data, chain.length, key.data, key.length, &ignored) == 0;
	if (key.data != NULL)
		OPENSSL_cleanse(key.data, key.length);
	buffer_free(&key);
	buffer_free(&chain);
}

/* What cannot be served must not keep from being served what can. */
static bool is_better(const struct lineage *candidate, const struct lineage *found)
{
	if (found->certificate == NULL)
		return true;
	if (candidate->has_its_key != found->has_its_key)
		return candidate->has_its_key;
	return candidate->certificate->not_after > found->certificate->not_after;
}

static void consider(const char *live, const char *name, const char *domain, struct lineage *found)
{
	struct lineage candidate = {0};
	struct error err = ERROR_INIT;

	if (load(live, name, &candidate, &err) != 0) {
		log_warn("lineage %s is passed over: %s", name, err.text);
		return;
	}
	if (certificate_is_exactly_for(candidate.certificate, domain)) {
		check_key(&candidate);
		if (is_better(&candidate, found)) {
			lineage_clear(found);
			*found = candidate; /* takes over what it owns */
			return;
		}
	}
	lineage_clear(&candidate);
}

int lineage_find(const char *letsencrypt_dir, const char *domain, struct lineage *found,
		 struct error *err)
{
	char live[PATH_LENGTH_MAX];
	struct dirent *entry;

	*found = (struct lineage){0};
	snprintf(live, sizeof(live), "%s/live", letsencrypt_dir);
	DIR *folder = opendir(live);
	if (folder == NULL && errno == ENOENT)
		return 0;
	if (folder == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", live);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		consider(live, entry->d_name, domain, found);
	}
	closedir(folder);
	return found->certificate != NULL;
}

/* The value of `server = URL` on a line of its own, or NULL; `length` receives its length. */
static const char *find_server(const char *conf, size_t *length)
{
	for (const char *line = conf; line != NULL && *line != '\0';) {
		const char *at = line + strspn(line, " \t");
		if (strncmp(at, "server", 6) == 0) {
			at += 6 + strspn(at + 6, " \t");
			if (*at == '=') {
				at += 1 + strspn(at + 1, " \t");
				*length = strcspn(at, " \t\r\n");
				return at;
			}
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return NULL;
}

bool lineage_is_foreign(const char *letsencrypt_dir, const struct lineage *lineage,
			const char *server)
{
	char path[PATH_LENGTH_MAX];
	struct error ignored = ERROR_INIT;
	struct buffer conf;
	size_t length = 0;
	const char *noted;
	bool foreign;

	snprintf(path, sizeof(path), "%s/renewal/%s.conf", letsencrypt_dir, lineage->name);
	buffer_init(&conf, RENEWAL_CONF_MAX);
	file_read(path, &conf, &ignored);
	noted = find_server(buffer_text(&conf), &length);
	foreign =
	    noted != NULL && (strlen(server) != length || strncmp(noted, server, length) != 0);
	buffer_free(&conf);
	return foreign;
}

static bool is_taken(const char *letsencrypt_dir, const char *name)
{
	static const struct {
		const char *folder, *suffix;
	} places[] = {{"live", ""}, {"archive", ""}, {"renewal", ".conf"}};
	char path[PATH_LENGTH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s%s", letsencrypt_dir, places[i].folder, name,
			 places[i].suffix);
		if (file_exists(path))
			return true;
	}
	return false;
}

int lineage_new_name(const char *letsencrypt_dir, const char *domain, domain_name name,
		     struct error *err)
{
	const char *base = domain_base(domain);

	snprintf(name, sizeof(domain_name), "%s", base);
	for (int i = 1; is_taken(letsencrypt_dir, name); i++) {
		if (i == NAME_TRIES)
			return error_set(err, EXIT_FAILED,
					 "%s has no free lineage name left for %s", letsencrypt_dir,
					 domain);
		/* As long as names may be, the suffix must still fit. */
		snprintf(name, sizeof(domain_name), "%.*s-%04d", DOMAIN_MAX - 5, base, i);
	}
	return 0;
}
