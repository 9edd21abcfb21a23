#include "supervisor/ctl/renew.h"

#include "common/domain.h"
#include "common/http.h"
#include "common/json.h"
#include "common/say.h"
#include "supervisor/control/control_api.h"
#include "supervisor/ctl/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RENEW_DEADLINE = 1800, /* seconds; slow DNS is slow */
	POLL_MS = 200,
	DOMAINS_A_MS = 5, /* 10,000 domains are looked at every two seconds */
	PATH_MAX_LENGTH = 900,
};

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* What the wait has seen of one domain: enough to print each step once. */
struct progress {
	char state[48];
	bool failed;
};

/* Prints what changed; true while the domain is still on its way. */
static bool follow(const cJSON *domain, struct progress *seen)
{
	const char *name = json_string(domain, "name");
	const char *state = json_string(domain, "state");
	const char *error = json_string(domain, "error");
	bool waiting;

	if (name == NULL || state == NULL)
		return false;
	waiting = begins_with(state, CONTROL_STATE_WAITING);
	if (strcmp(state, seen->state) != 0)
		say(stdout, "[%s] %s%s%s", name, state, waiting && error != NULL ? ": " : "",
		    waiting && error != NULL ? error : "");
	snprintf(seen->state, sizeof(seen->state), "%s", state);
	seen->failed = waiting;
	return begins_with(state, CONTROL_STATE_WORKING);
}

/* One look at all the domains asked for: 1 still working, 0 all have come to rest, -1. */
static int look(const char *socket_path, const char *name, struct progress *seen, size_t count,
		struct error *err)
{
	cJSON *json = ctl_request(socket_path, "GET", CONTROL_PATH_STATUS, err);
	const cJSON *domain;
	bool working = false;
	size_t i = 0;

	if (json == NULL)
		return -1;
	cJSON_ArrayForEach(domain, json_array(json, "domains"))
	{
		const char *its_name = json_string(domain, "name");
		bool wanted = name == NULL || (its_name != NULL && domain_is_meant(its_name, name));
		if (i < count && wanted && follow(domain, &seen[i]))
			working = true;
		i++;
	}
	cJSON_Delete(json);
	return working;
}

static int wait_for_rest(const char *socket_path, const char *name, size_t count, struct error *err)
{
	/* ingressd has other things to do than to tell of thousands of domains. */
	long pause_ms = POLL_MS + (long)count / DOMAINS_A_MS;
	const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
	struct progress *seen = calloc(count + 1, sizeof(*seen));
	time_t deadline = time(NULL) + RENEW_DEADLINE;
	int working = 1;

	if (seen == NULL)
		return error_no_memory(err);
	while (working == 1 && time(NULL) < deadline) {
		working = look(socket_path, name, seen, count, err);
		fflush(stdout);
		if (working == 1)
			nanosleep(&pause, NULL);
	}
	if (working == 1)
		working =
		    error_set(err, EXIT_TRY_LATER,
			      "not finished after %d s; `ingressctl status` tells how it goes",
			      RENEW_DEADLINE);
	for (size_t i = 0; working == 0 && i < count; i++)
		if (seen[i].failed)
			working = error_set(err, EXIT_FAILED,
					    "not every domain came through; ingressd tries again");
	free(seen);
	return working;
}

static int count_domains(const char *socket_path, size_t *count, struct error *err)
{
	cJSON *json = ctl_request(socket_path, "GET", CONTROL_PATH_STATUS, err);

	if (json == NULL)
		return -1;
	*count = (size_t)cJSON_GetArraySize(json_array(json, "domains"));
	cJSON_Delete(json);
	return 0;
}

static int start(const char *socket_path, const char *name, bool force, struct error *err)
{
	char path[PATH_MAX_LENGTH];
	char *escaped = name == NULL ? NULL : http_escape(name);

	snprintf(path, sizeof(path), CONTROL_PATH_RENEW "?" CONTROL_FORCE "=%d%s%s", force,
		 escaped == NULL ? "" : "&" CONTROL_DOMAIN "=", escaped == NULL ? "" : escaped);
	free(escaped);
	cJSON *json = ctl_request(socket_path, "POST", path, err);
	int rc = json == NULL ? -1 : 0;
	cJSON_Delete(json);
	return rc;
}

int ctl_renew(const char *socket_path, const char *name, bool force, struct error *err)
{
	size_t count;

	if (start(socket_path, name, force, err) != 0 ||
	    count_domains(socket_path, &count, err) != 0)
		return -1;
	return wait_for_rest(socket_path, name, count, err);
}
