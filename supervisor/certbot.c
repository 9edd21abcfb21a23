#include "supervisor/certbot.h"

#include "common/buffer.h"
#include "common/file.h"
#include "supervisor/certbot_answer.h"
#include "supervisor/certbot_log.h"
#include "supervisor/certbot_room.h"
#include "supervisor/certificate_store.h"
#include "supervisor/confined.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
	CONFIG_MAX = 64 * 1024,
	LOG_MAX = 4 * 1024 * 1024,
	VARIABLE_MAX = 4352,
	HOOK_MAX = 8 * 1024,
	PATH_LENGTH_MAX = 4096,
	/* When neither CERTBOT_TIMEOUT nor PROPAGATION_TIMEOUT is set: longer than the longest
	 * wait of any provider. */
	PROPAGATION_DEFAULT = 900,
	/* What an order takes beside that: ingress-dns lets caches run out for up to 300 s once a
	 * value is seen everywhere, and the CA takes its time. */
	ORDER_SECONDS = 600,
};

/* In the folder of logs: why the hook ended certbot. */
#define HOOK_FILE "hook"

struct run {
	struct certbot *certbot;
	struct certbot_room room;
	certbot_done *done;
	void *arg;
};

struct certbot {
	struct certbot_options options;
	char *folder; /* RUN_DIR/certbot */
	struct run *runs[CERTBOT_ROOMS];
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

static void write_options(struct buffer *ini, const struct run *run)
{
	const struct settings *s = run->certbot->options.settings;
	const char *program = run->certbot->options.dns_program;

	buffer_printf(ini,
		      "non-interactive = true\n"
		      "agree-tos = true\n"
		      "server = %s\n"
		      "config-dir = %s\n"
		      "work-dir = %s\n"
		      "logs-dir = %s\n"
		      "max-log-backups = 0\n"
		      "preferred-challenges = dns\n"
		      /* No path in it: a shell reads the line. */
		      "manual-auth-hook = %s auth 2>$INGRESS_HOOK_WORDS || kill 0\n"
		      "manual-cleanup-hook = %s cleanup\n",
		      s->acme_server, run->room.config, run->room.work, run->room.logs, program,
		      program);
	if (s->acme_email != NULL)
		buffer_printf(ini, "email = %s\nno-eff-email = true\n", s->acme_email);
	else
		buffer_puts(ini, "register-unsafely-without-email = true\n");
}

static int write_config(const struct run *run, struct error *err)
{
	struct buffer ini;
	int rc;

	buffer_init(&ini, CONFIG_MAX);
	write_options(&ini, run);
	rc = write_eab(&ini, run->certbot->options.settings, err);
	if (rc == 0)
		rc = buffer_check(&ini, run->room.ini, err);
	if (rc == 0) {
		rc = file_write(run->room.ini, 0600, ini.data, ini.length, err);
		OPENSSL_cleanse(ini.data, ini.length);
	}
	buffer_free(&ini);
	return rc;
}

/* ---- environment */

/* "NAME=VALUE" */
static int make_variable(char variable[VARIABLE_MAX], const char *name, const char *value,
			 struct error *err)
{
	if (snprintf(variable, VARIABLE_MAX, "%s=%s", name, value) < VARIABLE_MAX)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG,
			 "RUN_DIR, HOME or ACME_CA_BUNDLE is too long a path");
}

static char **make_environment(const struct run *run, struct error *err)
{
	const struct settings *s = run->certbot->options.settings;
	const char *home = getenv("HOME");
	char words[PATH_LENGTH_MAX];
	const struct {
		const char *name, *value;
	} variables[] = {
	    {"INGRESS_LOG_PIPE", run->certbot->options.log_pipe},
	    {"INGRESS_HOOK_WORDS", words},
	    {"TMPDIR", run->room.tmp}, /* only RUN_DIR is sure to be writable */
	    {"HOME", run->room.home},
	    {"XDG_CONFIG_HOME", run->room.home},
	    {"NETRC", "/dev/null"}, /* its HTTP library would send what is in it */
	    {"PYTHONPATH", run->room.python},
	    {"PYTHONNOUSERSITE", "1"},
	    {"INGRESS_HOME", home == NULL ? "" : home}, /* for the hooks, see ingress-dns.c */
	    /* certbot has no option for a trust store, only its HTTP library's variable. */
	    {"REQUESTS_CA_BUNDLE", s->acme_ca_bundle},
	};
	enum { COUNT = sizeof(variables) / sizeof(*variables) };
	char texts[COUNT][VARIABLE_MAX];
	const char *extra[COUNT + 1] = {NULL};
	size_t count = 0;

	snprintf(words, sizeof(words), "%s/" HOOK_FILE, run->room.logs);
	for (size_t i = 0; i < COUNT; i++) {
		if (variables[i].value == NULL)
			continue;
		if (make_variable(texts[count], variables[i].name, variables[i].value, err) != 0)
			return NULL;
		extra[count] = texts[count];
		count++;
	}
	char **environment = settings_child_environment(s, FOR_CERTBOT | FOR_DNS, extra, err);
	if (environment == NULL)
		return NULL;
	if (settings_move_secrets(environment, run->room.secrets, err) == 0)
		return environment;
	settings_free_environment(environment);
	return NULL;
}

/* ---- runs */

static void run_free(struct run *run, bool keep_logs)
{
	run->certbot->runs[run->room.number] = NULL;
	certbot_room_close(&run->room, keep_logs);
	free(run);
}

static struct run *run_new(struct certbot *certbot, struct error *err)
{
	unsigned number = 0;

	while (number < CERTBOT_ROOMS && certbot->runs[number] != NULL)
		number++;
	if (number == CERTBOT_ROOMS) {
		error_set(err, EXIT_TRY_LATER, "%d orders are under way", CERTBOT_ROOMS);
		return NULL;
	}
	struct run *run = calloc(1, sizeof(*run));
	if (run == NULL) {
		error_no_memory(err);
		return NULL;
	}
	run->certbot = certbot;
	if (certbot_room_open(&run->room, certbot->folder, number, err) != 0) {
		free(run);
		return NULL;
	}
	certbot->runs[number] = run;
	return run;
}

/* Its text is "" where there is no such file, or none that can be read. */
static bool read_words(const struct run *run, const char *file, size_t most, struct buffer *text)
{
	struct error ignored = ERROR_INIT;
	char path[PATH_LENGTH_MAX];

	snprintf(path, sizeof(path), "%s/%s", run->room.logs, file);
	buffer_init(text, most);
	return file_read(path, text, &ignored) == 0 || !file_exists(path);
}

static void explain(const struct run *run, const struct process_result *result, const char *log,
		    struct error *err)
{
	struct buffer hook;

	read_words(run, HOOK_FILE, HOOK_MAX, &hook);
	certbot_explain(&(struct certbot_words){result->tail, log, buffer_text(&hook)}, time(NULL),
			err);
	buffer_free(&hook);
}

static void on_done(const struct process_result *result, void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;
	struct certbot_outcome outcome = {.config_dir = run->room.config, .has_asked = true};
	struct buffer log;
	/* The log begins before anything is asked.  One that cannot be read counts as if it had an
	 * order in it. */
	bool is_read = read_words(run, "letsencrypt.log", LOG_MAX, &log);

	outcome.ca_time = certbot_log_ca_time(buffer_text(&log));
	if (process_check(result, "certbot", &err) != 0) {
		/* Our hook ends it by TERM when the challenge cannot be set, and says why. */
		bool is_killed = WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGKILL;
		if (!result->timed_out && !is_killed)
			explain(run, result, buffer_text(&log), &err);
		outcome.has_asked = !is_read || certbot_log_has_order(buffer_text(&log));
		outcome.account_is_unknown = certbot_log_account_is_unknown(buffer_text(&log));
		outcome.error = &err;
	}
	buffer_free(&log);
	run->done(&outcome, run->arg);
	run_free(run, outcome.error != NULL);
}

static int start(struct run *run, const char *const *argv, struct error *err)
{
	const struct certbot_options *o = &run->certbot->options;
	char **environment;
	struct process_spec spec = {
	    .name = "certbot",
	    .argv = argv,
	    .timeout = certbot_deadline(o->settings),
	    .stdout_level = LOG_DEBUG,
	    .stderr_level = LOG_DEBUG, /* what matters of it becomes the error */
	    .extra_fd = -1,
	    .confinement = confined_certbot(o->settings),
	    .done = on_done,
	    .arg = run,
	};

	if (write_config(run, err) != 0)
		return -1;
	environment = make_environment(run, err);
	if (environment == NULL)
		return -1;
	spec.envp = (const char *const *)environment;
	struct process *process = process_start(o->processes, &spec, err);
	settings_free_environment(environment);
	return process == NULL ? -1 : 0;
}

int certbot_register(struct certbot *certbot, certbot_done *done, void *arg, struct error *err)
{
	struct run *run = run_new(certbot, err);

	if (run == NULL)
		return -1;
	const char *const argv[] = {certbot->options.settings->certbot, "register", "--config",
				    run->room.ini, NULL};
	run->done = done;
	run->arg = arg;
	if (start(run, argv, err) == 0)
		return 0;
	run_free(run, false);
	return -1;
}

int certbot_issue(struct certbot *certbot, const char *domain, const char *name,
		  const char *account_id, certbot_done *done, void *arg, struct error *err)
{
	struct run *run = run_new(certbot, err);

	if (run == NULL)
		return -1;
	const char *const argv[] = {
	    certbot->options.settings->certbot, "certonly", "--config", run->room.ini,
	    "--cert-name", name, "--domain", domain, "--account", account_id,
	    /* Said here, where it wins over any file, should certbot read one: see
	     * certbot_room.c. */
	    "--authenticator", "manual", "--no-directory-hooks", "--pre-hook", "", "--post-hook",
	    "", "--key-type", "ecdsa", "--elliptic-curve", "secp256r1", NULL};
	run->done = done;
	run->arg = arg;
	if (store_lend_account(certbot->options.store, account_id, run->room.config, err) == 0 &&
	    start(run, argv, err) == 0)
		return 0;
	run_free(run, false);
	return -1;
}

/* ---- the object */

struct certbot *certbot_new(const struct certbot_options *options, struct error *err)
{
	struct certbot *certbot = calloc(1, sizeof(*certbot));

	if (certbot != NULL)
		certbot->folder = file_join(options->settings->run_dir, "certbot");
	if (certbot == NULL || certbot->folder == NULL) {
		free(certbot);
		error_no_memory(err);
		return NULL;
	}
	certbot->options = *options;
	if (file_remove_tree(certbot->folder, err) == 0)
		return certbot;
	certbot_free(certbot);
	return NULL;
}

void certbot_free(struct certbot *certbot)
{
	if (certbot == NULL)
		return;
	for (size_t i = 0; i < CERTBOT_ROOMS; i++)
		if (certbot->runs[i] != NULL)
			run_free(certbot->runs[i], false);
	free(certbot->folder);
	free(certbot);
}
