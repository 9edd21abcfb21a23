#include "supervisor/certbot/certbot.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/privileges.h"
#include "supervisor/certbot/certbot_answer.h"
#include "supervisor/certbot/certbot_hook.h"
#include "supervisor/certbot/certbot_log.h"
#include "supervisor/certbot/certbot_room.h"
#include "supervisor/certbot/certbot_setup.h"
#include "supervisor/certbot/certbot_user.h"
#include "supervisor/children/confined.h"
#include "supervisor/store/certificate_store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOG_MAX = CERTBOT_FILE_MAX,
	REASON_MAX = 1024,
	/* When neither CERTBOT_TIMEOUT nor PROPAGATION_TIMEOUT is set: longer than the longest
	 * wait of any provider. */
	PROPAGATION_DEFAULT = 900,
	/* What an order takes beside that: ingress-dns lets caches run out for up to 300 s once a
	 * value is seen everywhere, and the CA takes its time. */
	ORDER_SECONDS = 600,
};

struct run {
	struct certbot *certbot;
	struct certbot_room room;
	struct certbot_hook *hook;
	struct process *process;
	/* Why it was ended: the hook's words. */
	bool was_refused;
	struct error refusal;
	/* How it has ended; told once its hook's job has ended too. */
	struct certbot_outcome outcome;
	struct error error;
	struct buffer log;
	certbot_done *done;
	void *arg;
};

struct certbot {
	struct certbot_options options;
	char *folder; /* RUN_DIR/certbot */
	bool has_users;
	struct run *runs[CERTBOT_ROOMS];
};

long certbot_deadline(const struct settings *settings)
{
	long wait = settings->propagation_timeout;

	if (settings->certbot_timeout > 0)
		return settings->certbot_timeout;
	return (wait > 0 ? wait : PROPAGATION_DEFAULT) + ORDER_SECONDS;
}

/* ---- runs */

static void run_free(struct run *run, bool keep_log)
{
	certbot_hook_free(run->hook);
	run->certbot->runs[run->room.number] = NULL;
	certbot_room_close(&run->room, keep_log ? &run->log : NULL);
	buffer_free(&run->log);
	free(run);
}

static uid_t user_of(const struct certbot *certbot, unsigned number)
{
	return certbot->has_users ? USER_CERTBOT + number : 0;
}

/* A room that cannot be had, since something is left of its user, is passed over. */
static int open_room(struct run *run, struct error *err)
{
	struct certbot *certbot = run->certbot;

	error_set(err, EXIT_TRY_LATER, "%d orders are under way", CERTBOT_ROOMS);
	for (unsigned number = 0; number < CERTBOT_ROOMS; number++) {
		if (certbot->runs[number] != NULL ||
		    certbot_room_open(&run->room, certbot->folder, number, user_of(certbot, number),
				      err) != 0)
			continue;
		certbot->runs[number] = run;
		return 0;
	}
	return -1;
}

static struct run *run_new(struct certbot *certbot, certbot_done *done, void *arg,
			   struct error *err)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		error_no_memory(err);
		return NULL;
	}
	run->certbot = certbot;
	run->done = done;
	run->arg = arg;
	buffer_init(&run->log, LOG_MAX);
	if (open_room(run, err) == 0)
		return run;
	buffer_free(&run->log);
	free(run);
	return NULL;
}

/* ---- the end */

static void finish(struct run *run)
{
	bool has_failed = run->outcome.error != NULL;

	run->outcome.may_have_left = has_failed || certbot_hook_has_left(run->hook);
	run->done(&run->outcome, run->arg);
	run_free(run, has_failed);
}

static void on_hook_stopped(void *arg)
{
	finish(arg);
}

static void on_refused(const struct error *err, void *arg)
{
	struct run *run = arg;

	run->was_refused = true;
	run->refusal = *err;
	process_end(run->process);
}

/* Why it did not end well; 0 if it did. */
static int check(struct run *run, const struct process_result *result, struct error *err)
{
	const struct certbot_words words = {result->tail, buffer_text(&run->log)};
	bool is_killed = WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGKILL;

	if (run->was_refused) {
		*err = run->refusal;
		return -1;
	}
	if (process_check(result, "certbot", err) == 0)
		return 0;
	if (!result->timed_out && !is_killed)
		certbot_explain(&words, time(NULL), err);
	return -1;
}

/* What it has left is looked at once nothing of it runs on. */
static void on_done(const struct process_result *result, void *arg)
{
	struct run *run = arg;
	struct certbot_outcome *outcome = &run->outcome;
	struct error *err = &run->error;
	bool is_read = false, is_over = certbot_hook_stop(run->hook);

	int rc = certbot_room_end_processes(&run->room, err);
	if (rc == 0) {
		/* The log begins before anything is asked.  One that cannot be read counts as if
		 * it had an order in it. */
		is_read = certbot_room_read_log(&run->room, &run->log);
		rc = check(run, result, err);
	}
	if (rc == 0)
		rc = certbot_room_take(&run->room, err);
	const char *log = buffer_text(&run->log);
	*outcome = (struct certbot_outcome){
	    .error = rc == 0 ? NULL : err,
	    .config_dir = run->room.made,
	    .has_asked = rc == 0 || !is_read || certbot_log_has_order(log),
	    .account_is_unknown = rc != 0 && certbot_log_account_is_unknown(log),
	    .ca_time = certbot_log_ca_time(log),
	};
	if (is_over)
		finish(run);
}

/* ---- the beginning */

static int launch(struct run *run, const char *const *argv, long timeout, struct error *err)
{
	const struct certbot_options *o = &run->certbot->options;
	const struct confinement confinement = confined_certbot(run->room.user);
	char **environment = certbot_setup_environment(&run->room, o->settings, err);

	if (environment == NULL)
		return -1;
	run->process =
	    process_start(o->processes,
			  &(struct process_spec){
			      .name = "certbot",
			      .argv = argv,
			      .envp = (const char *const *)environment,
			      .timeout = timeout,
			      .stdout_level = LOG_DEBUG,
			      .stderr_level = LOG_DEBUG, /* what matters of it becomes the error */
			      .extra_fd = -1,
			      .confinement = &confinement,
			      .done = on_done,
			      .arg = run,
			  },
			  err);
	settings_free_environment(environment);
	return run->process == NULL ? -1 : 0;
}

/* `domain` is NULL for a run that has no challenge to answer. */
static int start(struct run *run, const char *const *argv, const char *domain, bool is_urgent,
		 struct error *err)
{
	const struct certbot_options *o = &run->certbot->options;
	long timeout = certbot_deadline(o->settings);

	run->hook = certbot_hook_new(
	    &(struct certbot_hook_options){o->base, o->jobs, run->room.path, domain, is_urgent,
					   timeout, on_refused, on_hook_stopped, run},
	    err);
	if (run->hook == NULL || certbot_setup_write(&run->room, o->settings, err) != 0 ||
	    certbot_room_hand_over(&run->room, err) != 0)
		return -1;
	return launch(run, argv, timeout, err);
}

int certbot_register(struct certbot *certbot, certbot_done *done, void *arg, struct error *err)
{
	struct run *run = run_new(certbot, done, arg, err);

	if (run == NULL)
		return -1;
	const char *const argv[] = {certbot->options.settings->certbot, "register", "--config",
				    run->room.ini, NULL};
	if (start(run, argv, NULL, false, err) == 0)
		return 0;
	run_free(run, false);
	return -1;
}

int certbot_issue(struct certbot *certbot, const char *domain, const char *name,
		  const char *account_id, bool is_urgent, certbot_done *done, void *arg,
		  struct error *err)
{
	struct run *run = run_new(certbot, done, arg, err);

	if (run == NULL)
		return -1;
	const char *const argv[] = {
	    certbot->options.settings->certbot, "certonly", "--config", run->room.ini,
	    "--cert-name", name, "--domain", domain, "--account", account_id,
	    /* Said here, where it wins over any file, should certbot read one: see
	     * certbot_room.c. */
	    "--authenticator", "manual", "--no-directory-hooks", "--pre-hook", "", "--post-hook",
	    "", "--key-type", "ecdsa", "--elliptic-curve", "secp256r1", NULL};
	if (store_lend_account(certbot->options.store, account_id, run->room.config, err) == 0 &&
	    start(run, argv, domain, is_urgent, err) == 0)
		return 0;
	run_free(run, false);
	return -1;
}

/* ---- the object */

static int prepare(struct certbot *certbot, struct error *err)
{
	const char *program = certbot->options.settings->certbot;
	char reason[REASON_MAX];

	certbot_rooms_remove(certbot->folder);
	if (file_make_dirs(certbot->folder, 0711, err) != 0)
		return -1;
	if (geteuid() != 0)
		return 0; /* the log has it: see confined_report() */
	certbot->has_users =
	    certbot_user_can_run(USER_CERTBOT, program, certbot->folder, reason, sizeof(reason));
	if (!certbot->has_users)
		log_warn("certbot runs as root, which reads every key: %s", reason);
	return 0;
}

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
	if (prepare(certbot, err) == 0)
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
