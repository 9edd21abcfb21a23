#include "supervisor/certbot/certbot_hook.h"

#include "common/domain.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/children/jobs.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VALUE_LENGTH = 43, /* base64url of a SHA-256 (RFC 8555 section 8.4) */
	MESSAGE_MAX = sizeof("cleanup  \n") + DOMAIN_MAX + VALUE_LENGTH,
	MESSAGES_MOST = 8, /* certbot sends two */
	VARIABLE_MAX = 512,
};

struct certbot_hook {
	struct certbot_hook_options options;
	int ask, answer;
	struct event *event;
	char message[MESSAGE_MAX];
	size_t length;
	unsigned messages;
	char value[VALUE_LENGTH + 1]; /* in DNS, as far as is known; "": none */
	bool is_auth;		      /* what the job under way does */
	bool has_left;		      /* a value that could not be taken out */
	struct process *job;
	bool is_stopped;
};

/* ---- what certbot is told */

static void reply(const struct certbot_hook *hook, const char *text)
{
	if (write(hook->answer, text, strlen(text)) < 0)
		log_debug("certbot does not read its hook's answers");
}

/* The last word: nothing is read from here on. */
static void refuse(struct certbot_hook *hook, const struct error *err)
{
	event_del(hook->event);
	hook->options.failed(err, hook->options.arg);
}

static void refuse_message(struct certbot_hook *hook, const char *why)
{
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_FAILED, "certbot was ended: its hook %s", why);
	refuse(hook, &err);
}

/* ---- the job */

static void on_done(const struct process_result *result, void *arg)
{
	struct certbot_hook *hook = arg;
	struct error err = ERROR_INIT;
	bool is_good = process_check(result,
				     hook->is_auth ? "the challenge could not be set"
						   : "the challenge could not be removed",
				     &err) == 0;

	hook->job = NULL;
	if (!hook->is_auth && is_good)
		hook->value[0] = '\0';
	if (hook->is_stopped) {
		hook->options.stopped(hook->options.arg);
	} else if (is_good) {
		reply(hook, "done\n");
	} else if (hook->is_auth) {
		refuse(hook, &err);
	} else {
		if (!jobs_are_stopping(hook->options.jobs))
			log_warn("[%s] %s", hook->options.domain, err.text);
		hook->has_left = true;
		hook->value[0] = '\0';
		reply(hook, "failed\n");
	}
}

static int start_job(struct certbot_hook *hook, struct error *err)
{
	char domain[VARIABLE_MAX], value[VARIABLE_MAX];
	const char *const words[] = {hook->is_auth ? "auth" : "cleanup", NULL};
	const char *const extra[] = {domain, value,
				     hook->options.is_urgent ? "INGRESS_URGENT=1" : NULL, NULL};
	const struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .extra = extra,
	    .timeout = hook->options.timeout,
	    .output_level = LOG_INFO,
	    .done = on_done,
	    .arg = hook,
	};

	snprintf(domain, sizeof(domain), "CERTBOT_DOMAIN=%s", domain_base(hook->options.domain));
	snprintf(value, sizeof(value), "CERTBOT_VALIDATION=%s", hook->value);
	hook->job = jobs_start(hook->options.jobs, &job, err);
	return hook->job == NULL ? -1 : 0;
}

/* ---- what certbot asks for */

static bool is_value(const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return strspn(text, digits) == VALUE_LENGTH && text[VALUE_LENGTH] == '\0';
}

/* Behind "WHAT DOMAIN ", or NULL if it is not that. */
static const char *behind(const char *message, const char *what, const char *domain)
{
	char expected[MESSAGE_MAX + DOMAIN_MAX];
	int length = snprintf(expected, sizeof(expected), "%s %s ", what, domain_base(domain));

	return strncmp(message, expected, (size_t)length) == 0 ? message + length : NULL;
}

/* NULL, or what is wrong with it. */
static const char *take(struct certbot_hook *hook)
{
	const char *domain = hook->options.domain;

	if (hook->job != NULL || ++hook->messages > MESSAGES_MOST)
		return "asks too often";
	if (domain == NULL)
		return "asks for a challenge";
	const char *value = behind(hook->message, "auth", domain);
	hook->is_auth = value != NULL;
	if (value == NULL)
		value = behind(hook->message, "cleanup", domain);
	if (value == NULL)
		return "asks for another name, or for nothing that is known";
	if (!is_value(value))
		return "asks for what is no challenge value";
	if (hook->is_auth && hook->value[0] != '\0')
		return "asks for another value before it has taken out the one before";
	if (!hook->is_auth && strcmp(hook->value, value) != 0)
		return "takes out a value that it has not put in";
	memcpy(hook->value, value, sizeof(hook->value));
	return NULL;
}

static void take_message(struct certbot_hook *hook)
{
	struct error err = ERROR_INIT;
	const char *wrong = take(hook);

	if (wrong != NULL)
		refuse_message(hook, wrong);
	else if (start_job(hook, &err) != 0)
		refuse(hook, &err);
}

/* One message fills nothing: a hook waits for its answer. */
static void on_ask(evutil_socket_t fd, short what, void *arg)
{
	struct certbot_hook *hook = arg;
	ssize_t got = read(fd, hook->message + hook->length, MESSAGE_MAX - 1 - hook->length);

	(void)what;
	if (got <= 0)
		return;
	hook->length += (size_t)got;
	hook->message[hook->length] = '\0';
	char *end = memchr(hook->message, '\n', hook->length);
	if (end == NULL && hook->length < MESSAGE_MAX - 1)
		return;
	if (end != hook->message + hook->length - 1 || strlen(hook->message) != hook->length) {
		refuse_message(hook, "sends more than a line, or no text");
		return;
	}
	*end = '\0';
	hook->length = 0;
	take_message(hook);
}

/* ---- the object */

/* Open for both, so that nobody's end is the end. */
static int make_fifo(const char *folder, const char *name, struct error *err)
{
	AUTO_FREE char *path = file_join(folder, name);

	if (path == NULL)
		return error_no_memory(err);
	int fd = mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	return fd >= 0 ? fd : error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", path);
}

struct certbot_hook *certbot_hook_new(const struct certbot_hook_options *options, struct error *err)
{
	struct certbot_hook *hook = calloc(1, sizeof(*hook));

	if (hook == NULL) {
		error_no_memory(err);
		return NULL;
	}
	hook->options = *options;
	hook->answer = -1;
	hook->ask = make_fifo(options->folder, CERTBOT_HOOK_ASK, err);
	if (hook->ask >= 0)
		hook->answer = make_fifo(options->folder, CERTBOT_HOOK_ANSWER, err);
	if (hook->answer < 0)
		goto fail;
	hook->event = event_new(options->base, hook->ask, EV_READ | EV_PERSIST, on_ask, hook);
	if (hook->event != NULL && event_add(hook->event, NULL) == 0)
		return hook;
	error_no_memory(err);
fail:
	certbot_hook_free(hook);
	return NULL;
}

void certbot_hook_free(struct certbot_hook *hook)
{
	if (hook == NULL)
		return;
	if (hook->event != NULL)
		event_free(hook->event);
	file_close(&hook->ask);
	file_close(&hook->answer);
	free(hook);
}

bool certbot_hook_stop(struct certbot_hook *hook)
{
	event_del(hook->event);
	hook->is_stopped = true;
	if (hook->job != NULL)
		process_end(hook->job);
	return hook->job == NULL;
}

bool certbot_hook_has_left(const struct certbot_hook *hook)
{
	return hook->has_left || hook->value[0] != '\0';
}
