#include "supervisor/evidence/identity.h"

#include "common/json.h"
#include "common/log.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/schedule.h"

#include <stdlib.h>
#include <string.h>

enum { IDENTITY_TIMEOUT = 20, IDENTITY_MAX = 256 * 1024 };

struct identity {
	struct identity_options options;
	struct event *retry;
	unsigned failures;
	time_t failing_since;
	struct error error;
	bool first_over;
};

static void first_try_over(struct identity *identity)
{
	if (identity->first_over)
		return;
	identity->first_over = true;
	identity->options.first_try_over(identity->options.arg);
}

static void failed(struct identity *identity, const struct error *err)
{
	long delay = schedule_backoff(++identity->failures, 0);

	if (jobs_are_stopping(identity->options.jobs))
		return;
	log_warn("the guest agent does not say which app this is (asked again in %ld s): %s", delay,
		 err->text);
	if (identity->failing_since == 0)
		identity->failing_since = time(NULL);
	identity->error = *err;
	event_add(identity->retry, &(struct timeval){delay, 0});
	first_try_over(identity);
}

static int take(struct identity *identity, const struct buffer *output, struct error *err)
{
	struct state *state = identity->options.state;
	cJSON *json = json_parse(buffer_text(output), output->length, "the identity", err);
	const char *app_id = json == NULL ? NULL : json_string(json, "app_id");
	int rc = -1;

	if (json == NULL)
		return -1;
	if (app_id == NULL || app_id[0] == '\0' || strlen(app_id) >= STATE_ID_MAX) {
		error_set(err, EXIT_FAILED, "the identity has no usable app_id");
		goto out;
	}
	rc = 0;
	if (strcmp(app_id, state_app_id(state)) == 0)
		goto out;
	log_info("the app's id is %s", app_id);
	state_set_app_id(state, app_id);
	struct error unsaved = ERROR_INIT;
	if (state_save(state, &unsaved) != 0)
		log_warn("%s", unsaved.text);
out:
	cJSON_Delete(json);
	return rc;
}

static void on_done(const struct process_result *result, void *arg)
{
	struct identity *identity = arg;
	struct error err = ERROR_INIT;

	if (process_check(result, "ingress-evidence identity", &err) != 0 ||
	    take(identity, result->output, &err) != 0) {
		failed(identity, &err);
		return;
	}
	bool late = identity->failures > 0;
	identity->failures = 0;
	identity->failing_since = 0;
	identity->error.text[0] = '\0';
	first_try_over(identity);
	if (late)
		identity->options.answered_late(identity->options.arg);
}

static int ask(struct identity *identity, struct error *err)
{
	static const char *const words[] = {"identity", NULL};
	const struct job job = {
	    .program = JOB_EVIDENCE,
	    .words = words,
	    .timeout = IDENTITY_TIMEOUT,
	    .capture_max = IDENTITY_MAX,
	    .done = on_done,
	    .arg = identity,
	};

	return jobs_start(identity->options.jobs, &job, err) == NULL ? -1 : 0;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct error err = ERROR_INIT;

	(void)fd;
	(void)what;
	if (ask(arg, &err) != 0)
		failed(arg, &err);
}

struct identity *identity_new(const struct identity_options *options, struct error *err)
{
	struct identity *identity = calloc(1, sizeof(*identity));

	if (identity != NULL)
		identity->retry = evtimer_new(options->base, on_retry, identity);
	if (identity == NULL || identity->retry == NULL) {
		free(identity);
		error_no_memory(err);
		return NULL;
	}
	identity->options = *options;
	return identity;
}

void identity_start(struct identity *identity)
{
	event_add(identity->retry, &(struct timeval){0, 0});
}

void identity_free(struct identity *identity)
{
	if (identity == NULL)
		return;
	event_free(identity->retry);
	free(identity);
}

const char *identity_error(const struct identity *identity)
{
	return identity->error.text;
}

time_t identity_failing_since(const struct identity *identity)
{
	return identity->failing_since;
}
