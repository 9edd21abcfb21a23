#include "supervisor/certbot.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/certbot_answer.h"
#include "supervisor/confined.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONFIG_MAX = 64 * 1024,
	LOG_MAX = 4 * 1024 * 1024,
	VARIABLE_MAX = 4352,
	/* When neither CERTBOT_TIMEOUT nor PROPAGATION_TIMEOUT is set: longer than the longest
	 * wait of any provider. */
	PROPAGATION_DEFAULT = 900,
	/* What an order takes beside that: ingress-dns lets caches run out for up to 300 s once a
	 * value is seen everywhere, and the CA takes its time. */
	ORDER_SECONDS = 600,
};

struct certbot {
	struct certbot_options options;
	char *folder;  /* RUN_DIR/certbot */
	char *secrets; /* a folder; there while it runs */
	char *config;  /* its cli.ini, in there: the key of an external account binding is in it */
	process_done *done;
	void *arg;
};

long certbot_deadline(const struct settings *settings)
{
	long wait = settings->propagation_timeout;

	if (settings->certbot_timeout > 0)
		return settings->certbot_timeout;
	return (wait > 0 ? wait : PROPAGATION_DEFAULT) + ORDER_SECONDS;
}

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

static void write_options(struct buffer *ini, const struct certbot *certbot)
{
	const struct settings *s = certbot->options.settings;

	buffer_printf(ini,
		      "non-interactive = true\n"
		      "agree-tos = true\n"
		      "server = %s\n"
		      "config-dir = %s\n"
		      "work-dir = %s/work\n"
		      "logs-dir = %s/logs\n"
		      "max-log-backups = 0\n"
		      "preferred-challenges = dns\n"
		      "manual-auth-hook = %s auth || kill 0\n"
		      "manual-cleanup-hook = %s cleanup\n",
		      s->acme_server, s->letsencrypt_dir, certbot->folder, certbot->folder,
		      certbot->options.dns_program, certbot->options.dns_program);
	if (s->acme_email != NULL)
		buffer_printf(ini, "email = %s\nno-eff-email = true\n", s->acme_email);
	else
		buffer_puts(ini, "register-unsafely-without-email = true\n");
}

static int write_config(const struct certbot *certbot, struct error *err)
{
	struct buffer ini;
	int rc;

	buffer_init(&ini, CONFIG_MAX);
	write_options(&ini, certbot);
	rc = write_eab(&ini, certbot->options.settings, err);
	if (rc == 0)
		rc = buffer_check(&ini, certbot->config, err);
	if (rc == 0) {
		rc = file_write(certbot->config, 0600, ini.data, ini.length, err);
		OPENSSL_cleanse(ini.data, ini.length);
	}
	buffer_free(&ini);
	return rc;
}

/* ---- the object */

static void remove_secrets(const struct certbot *certbot)
{
	struct error err = ERROR_INIT;

	if (certbot->secrets != NULL && file_remove_tree(certbot->secrets, &err) != 0)
		log_warn("%s", err.text);
}

/* Anew for each run: what a CA sends ends up in the logs, and a full RUN_DIR would keep the next
 * certificate from being installed. */
static int make_folders(const struct certbot *certbot, struct error *err)
{
	static const char *const names[] = {"work", "logs", "tmp"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = file_join(certbot->folder, names[i]);
		int rc = path == NULL ? error_no_memory(err) : file_remove_tree(path, err);
		if (rc == 0)
			rc = file_make_dirs(path, 0700, err);
		free(path);
		if (rc != 0)
			return -1;
	}
	return 0;
}

struct certbot *certbot_new(const struct certbot_options *options, struct error *err)
{
	struct certbot *certbot = calloc(1, sizeof(*certbot));

	if (certbot == NULL) {
		error_no_memory(err);
		return NULL;
	}
	certbot->options = *options;
	certbot->folder = file_join(options->settings->run_dir, "certbot");
	certbot->config = file_join(options->settings->run_dir, "certbot/secrets/cli.ini");
	certbot->secrets = file_join(options->settings->run_dir, "certbot/secrets");
	if (certbot->folder == NULL || certbot->config == NULL || certbot->secrets == NULL) {
		error_no_memory(err);
		goto fail;
	}
	if (file_remove_tree(certbot->secrets, err) != 0)
		goto fail;
	return certbot;
fail:
	certbot_free(certbot);
	return NULL;
}

void certbot_free(struct certbot *certbot)
{
	if (certbot == NULL)
		return;
	free(certbot->folder);
	remove_secrets(certbot);
	free(certbot->config);
	free(certbot->secrets);
	free(certbot);
}

/* ---- runs */

/* "NAME=PATH/LEAF" */
static int make_variable(char variable[VARIABLE_MAX], const char *name, const char *path,
			 const char *leaf, struct error *err)
{
	if (snprintf(variable, VARIABLE_MAX, "%s=%s%s", name, path, leaf) < VARIABLE_MAX)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG, "RUN_DIR or ACME_CA_BUNDLE is too long a path");
}

static char **make_environment(const struct certbot *certbot, struct error *err)
{
	const struct settings *s = certbot->options.settings;
	const char *trusted = s->acme_ca_bundle == NULL ? "" : s->acme_ca_bundle;
	char pipe[VARIABLE_MAX], temporary[VARIABLE_MAX], bundle[VARIABLE_MAX];
	/* Only RUN_DIR is sure to be writable.  And certbot has no option for a trust store, only
	 * its HTTP library's variable. */
	const char *const extra[] = {
	    pipe,
	    temporary,
	    trusted[0] == '\0' ? NULL : bundle,
	    NULL,
	};

	if (make_variable(pipe, "INGRESS_LOG_PIPE", certbot->options.log_pipe, "", err) != 0 ||
	    make_variable(temporary, "TMPDIR", certbot->folder, "/tmp", err) != 0 ||
	    make_variable(bundle, "REQUESTS_CA_BUNDLE", trusted, "", err) != 0)
		return NULL;
	char **environment = settings_child_environment(s, FOR_CERTBOT | FOR_DNS, extra, err);
	if (environment == NULL)
		return NULL;
	if (settings_move_secrets(environment, certbot->secrets, err) == 0)
		return environment;
	settings_free_environment(environment);
	return NULL;
}

static void on_done(const struct process_result *result, void *arg)
{
	struct certbot *certbot = arg;

	remove_secrets(certbot); /* first: `done` may start the next run */
	certbot->done(result, certbot->arg);
}

static int run(struct certbot *certbot, const char *const *argv, process_done *done, void *arg,
	       struct error *err)
{
	char **environment;
	struct process_spec spec = {
	    .name = "certbot",
	    .argv = argv,
	    .timeout = certbot_deadline(certbot->options.settings),
	    .stdout_level = LOG_DEBUG,
	    .stderr_level = LOG_DEBUG, /* what matters of it becomes the error */
	    .extra_fd = -1,
	    .confinement = confined_certbot(certbot->options.settings),
	    .done = on_done,
	    .arg = certbot,
	};
	struct process *process;

	if (make_folders(certbot, err) != 0 || file_make_dirs(certbot->secrets, 0700, err) != 0 ||
	    write_config(certbot, err) != 0 ||
	    (environment = make_environment(certbot, err)) == NULL) {
		remove_secrets(certbot);
		return -1;
	}
	spec.envp = (const char *const *)environment;
	certbot->done = done;
	certbot->arg = arg;
	process = process_start(certbot->options.processes, &spec, err);
	settings_free_environment(environment);
	if (process == NULL)
		remove_secrets(certbot);
	return process == NULL ? -1 : 0;
}

int certbot_register(struct certbot *certbot, process_done *done, void *arg, struct error *err)
{
	const char *const argv[] = {certbot->options.settings->certbot, "register", "--config",
				    certbot->config, NULL};

	return run(certbot, argv, done, arg, err);
}

int certbot_issue(struct certbot *certbot, const char *domain, const char *name,
		  const char *account_id, process_done *done, void *arg, struct error *err)
{
	const char *const argv[] = {
	    certbot->options.settings->certbot, "certonly", "--config", certbot->config, "--manual",
	    "--cert-name", name, "--domain", domain, "--account", account_id,
	    /* When it is due is decided here, not by certbot's fixed number of days. */
	    "--force-renewal",
	    /* Whatever an adopted lineage or a cli.ini says of reusing keys. */
	    "--new-key",
	    /* Named, or certbot refuses to move an adopted RSA lineage on. */
	    "--key-type", "ecdsa", "--elliptic-curve", "secp256r1", NULL};

	return run(certbot, argv, done, arg, err);
}

int certbot_check(const struct certbot *certbot, const struct process_result *result,
		  struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct buffer log;
	char path[4096];

	if (process_check(result, "certbot", err) == 0)
		return 0;
	if (result->timed_out)
		return -1;
	snprintf(path, sizeof(path), "%s/logs/letsencrypt.log", certbot->folder);
	buffer_init(&log, LOG_MAX);
	file_read(path, &log, &ignored);
	certbot_explain(&(struct certbot_words){result->tail, buffer_text(&log), ""}, time(NULL),
			err);
	buffer_free(&log);
	return -1;
}
