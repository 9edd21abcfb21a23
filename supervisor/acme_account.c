#include "supervisor/acme_account.h"

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REGR_MAX = 64 * 1024, PATH_LENGTH_MAX = 4096 };

void acme_account_clear(struct acme_account *account)
{
	free(account->id);
	free(account->uri);
	free(account->regr_path);
	*account = (struct acme_account){0};
}

static int load(const char *folder, const char *id, struct acme_account *account, struct error *err)
{
	if (asprintf(&account->regr_path, "%s/%s/regr.json", folder, id) < 0) {
		account->regr_path = NULL;
		error_no_memory(err);
		return -1;
	}
	cJSON *json = json_read_file(account->regr_path, REGR_MAX, err);
	if (json == NULL)
		return -1;
	const char *uri = json_string(json, "uri");
	account->id = strdup(id);
	account->uri = uri == NULL ? NULL : strdup(uri);
	cJSON_Delete(json);
	if (account->uri == NULL)
		return error_set(err, EXIT_FAILED, "%s has no uri", account->regr_path);
	return account->id == NULL ? error_no_memory(err) : 0;
}

static time_t changed_at(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mtime : 0;
}

static void consider(const char *folder, const char *id, struct acme_account *found)
{
	struct acme_account candidate = {0};
	struct error err = ERROR_INIT;

	if (load(folder, id, &candidate, &err) != 0) {
		log_warn("ACME account %s is passed over: %s", id, err.text);
		acme_account_clear(&candidate);
		return;
	}
	if (found->regr_path != NULL &&
	    changed_at(found->regr_path) >= changed_at(candidate.regr_path)) {
		acme_account_clear(&candidate);
		return;
	}
	acme_account_clear(found);
	*found = candidate; /* takes over what it owns */
}

int acme_account_find(const char *letsencrypt_dir, const char *server, struct acme_account *account,
		      struct error *err)
{
	const char *host = strstr(server, "://");
	char folder[PATH_LENGTH_MAX];
	struct dirent *entry;

	*account = (struct acme_account){0};
	snprintf(folder, sizeof(folder), "%s/accounts/%s", letsencrypt_dir,
		 host == NULL ? server : host + 3);
	DIR *dir = opendir(folder);
	if (dir == NULL && errno == ENOENT)
		return 0;
	if (dir == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", folder);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			consider(folder, entry->d_name, account);
	closedir(dir);
	return account->id != NULL;
}
