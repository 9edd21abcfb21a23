#include "supervisor/ctl/dns.h"

#include "common/buffer.h"
#include "common/http.h"
#include "common/json.h"
#include "common/say.h"
#include "supervisor/control/control_api.h"
#include "supervisor/control/dns_job.h"
#include "supervisor/ctl/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	POLL_MS = 200,
	/* ingressd ends it first. */
	PATIENCE = DNS_JOB_SECONDS + 60,
	LOOK_PATH_MAX = 96,
};

static int start(const char *socket_path, const char *action, char *const *domains, size_t count,
		 long long *job, struct error *err)
{
	struct buffer path;
	cJSON *json = NULL;

	buffer_init(&path, CONTROL_REQUEST_MAX);
	buffer_puts(&path, action);
	for (size_t i = 0; i < count; i++) {
		char *escaped = http_escape(domains[i]);
		buffer_printf(&path, "%s" CONTROL_DOMAIN "=%s", i == 0 ? "?" : "&",
			      escaped == NULL ? "" : escaped);
		free(escaped);
	}
	if (path.failed)
		error_set(err, EXIT_USAGE_ERROR,
			  "these are too many domains for one call; name fewer, or none for all");
	else
		json = ctl_request(socket_path, "POST", buffer_text(&path), err);
	buffer_free(&path);
	if (json == NULL)
		return -1;
	*job = json_integer(json, CONTROL_JOB, 0);
	cJSON_Delete(json);
	return 0;
}

/* What the run itself said. */
static int take_result(const cJSON *json, struct error *err)
{
	const char *sentence = json_string(json, CONTROL_ERROR);
	enum exit_code code = (enum exit_code)json_integer(json, CONTROL_EXIT_CODE, EXIT_FAILED);

	if (code == EXIT_OK)
		return 0;
	return error_set(err, code, "%s", sentence == NULL ? "it failed" : sentence);
}

/* Prints what is new.  1 there is more to come, 0 ended well, -1. */
static int look(const char *socket_path, long long job, long long *from, struct error *err)
{
	char path[LOOK_PATH_MAX];
	cJSON *json;
	int rc = 1;

	snprintf(path, sizeof(path), CONTROL_PATH_DNS "?" CONTROL_JOB "=%lld&" CONTROL_FROM "=%lld",
		 job, *from);
	json = ctl_request(socket_path, "GET", path, err);
	if (json == NULL) {
		if (err->code == EXIT_USAGE_ERROR)
			err->code = EXIT_FAILED; /* a run that is gone is not the user's mistake */
		return -1;
	}
	const char *output = json_string(json, CONTROL_OUTPUT);
	if (output != NULL)
		say_lines(stdout, output);
	fflush(stdout);
	*from = json_integer(json, CONTROL_NEXT, *from);
	if (!json_true(json, CONTROL_RUNNING) && !json_true(json, CONTROL_MORE))
		rc = take_result(json, err);
	cJSON_Delete(json);
	return rc;
}

int ctl_dns(const char *socket_path, const char *action, char *const *domains, size_t count,
	    struct error *err)
{
	static const struct timespec pause = {0, POLL_MS * 1000000L};
	time_t deadline = time(NULL) + PATIENCE;
	long long job = 0, from = 0;
	int rc = start(socket_path, action, domains, count, &job, err);

	if (rc != 0)
		return -1;
	while ((rc = look(socket_path, job, &from, err)) == 1) {
		if (time(NULL) >= deadline)
			return error_set(err, EXIT_TRY_LATER,
					 "ingressd has not finished after %d s", PATIENCE);
		nanosleep(&pause, NULL);
	}
	return rc;
}
