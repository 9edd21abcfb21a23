#include "supervisor/certbot/certbot_setup.h"

#include "common/buffer.h"
#include "common/file.h"
#include "supervisor/certbot/certbot_hook.h"
#include "supervisor/certbot/certbot_room.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum {
	CONFIG_MAX = 64 * 1024,
	BUNDLE_MAX = 16 * 1024 * 1024,
	VARIABLE_MAX = 4352,
	PATH_LENGTH_MAX = 4096,
};

#define BUNDLE_FILE "ca-bundle.pem"

/* ---- cli.ini */

static int write_eab(struct buffer *ini, const struct settings *settings, struct error *err)
{
	struct buffer key;
	int found;

	if (settings->acme_eab_kid == NULL)
		return 0;
	buffer_init(&key, SETTINGS_VALUE_MAX);
	found = settings_secret("ACME_EAB_HMAC_KEY", &key, err);
	if (found > 0)
		buffer_printf(ini, "eab-kid = %s\neab-hmac-key = %s\n", settings->acme_eab_kid,
			      key.data);
	if (key.data != NULL)
		OPENSSL_cleanse(key.data, key.length);
	buffer_free(&key);
	return found < 0 ? -1 : 0;
}

static void write_options(struct buffer *ini, const struct certbot_room *room,
			  const struct settings *s)
{
	buffer_printf(ini,
		      "non-interactive = true\n"
		      "agree-tos = true\n"
		      "server = %s\n"
		      "config-dir = %s\n"
		      "work-dir = %s\n"
		      "logs-dir = %s\n"
		      "max-log-backups = 0\n"
		      "preferred-challenges = dns\n"
		      /* It looks for a program of the name of the first word. */
		      "disable-hook-validation = true\n"
		      "manual-auth-hook = " CERTBOT_HOOK_LINE(
			  "auth") "\n"
				  "manual-cleanup-hook = " CERTBOT_HOOK_LINE("cleanup") "\n",
		      s->acme_server, room->config, room->work, room->logs);
	if (s->acme_email != NULL)
		buffer_printf(ini, "email = %s\nno-eff-email = true\n", s->acme_email);
	else
		buffer_puts(ini, "register-unsafely-without-email = true\n");
}

static int write_config(const struct certbot_room *room, const struct settings *settings,
			struct error *err)
{
	struct buffer ini;
	int rc;

	buffer_init(&ini, CONFIG_MAX);
	write_options(&ini, room, settings);
	rc = write_eab(&ini, settings, err);
	if (rc == 0)
		rc = buffer_check(&ini, room->ini, err);
	if (rc == 0) {
		rc = file_write_volatile(room->ini, 0600, ini.data, ini.length, err);
		OPENSSL_cleanse(ini.data, ini.length);
	}
	buffer_free(&ini);
	return rc;
}

static int copy_bundle(const struct certbot_room *room, const char *bundle, struct error *err)
{
	AUTO_FREE char *path = file_join(room->secrets, BUNDLE_FILE);
	struct buffer content;

	if (path == NULL)
		return error_no_memory(err);
	buffer_init(&content, BUNDLE_MAX);
	int rc = file_read(bundle, &content, err);
	if (rc == 0)
		rc = file_write_volatile(path, 0600, buffer_text(&content), content.length, err);
	buffer_free(&content);
	return rc;
}

int certbot_setup_write(const struct certbot_room *room, const struct settings *settings,
			struct error *err)
{
	if (settings->acme_ca_bundle != NULL &&
	    copy_bundle(room, settings->acme_ca_bundle, err) != 0)
		return error_wrap(err, "ACME_CA_BUNDLE");
	return write_config(room, settings, err);
}

/* ---- environment */

/* "NAME=VALUE" */
static int make_variable(char variable[VARIABLE_MAX], const char *name, const char *value,
			 struct error *err)
{
	if (snprintf(variable, VARIABLE_MAX, "%s=%s", name, value) < VARIABLE_MAX)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG, "RUN_DIR is too long a path");
}

char **certbot_setup_environment(const struct certbot_room *room, const struct settings *settings,
				 struct error *err)
{
	char bundle[PATH_LENGTH_MAX], ask[PATH_LENGTH_MAX], answer[PATH_LENGTH_MAX];
	const struct {
		const char *name, *value;
	} variables[] = {
	    {"INGRESS_ASK", ask},
	    {"INGRESS_ANSWER", answer},
	    {"TMPDIR", room->tmp}, /* only RUN_DIR is sure to be writable */
	    {"HOME", room->home},
	    {"XDG_CONFIG_HOME", room->home},
	    {"NETRC", "/dev/null"}, /* its HTTP library would send what is in it */
	    {"PYTHONPATH", room->python},
	    {"PYTHONNOUSERSITE", "1"},
	    /* certbot has no option for a trust store, only its HTTP library's variable. */
	    {"REQUESTS_CA_BUNDLE", settings->acme_ca_bundle == NULL ? NULL : bundle},
	};
	enum { COUNT = sizeof(variables) / sizeof(*variables) };
	char texts[COUNT][VARIABLE_MAX];
	const char *extra[COUNT + 1] = {NULL};
	size_t count = 0;

	snprintf(bundle, sizeof(bundle), "%s/" BUNDLE_FILE, room->secrets);
	snprintf(ask, sizeof(ask), "%s/" CERTBOT_HOOK_ASK, room->path);
	snprintf(answer, sizeof(answer), "%s/" CERTBOT_HOOK_ANSWER, room->path);
	for (size_t i = 0; i < COUNT; i++) {
		if (variables[i].value == NULL)
			continue;
		if (make_variable(texts[count], variables[i].name, variables[i].value, err) != 0)
			return NULL;
		extra[count] = texts[count];
		count++;
	}
	return settings_child_environment(settings, 0, extra, err);
}
