#include "supervisor/ctl/health.h"

#include "common/json.h"
#include "common/say.h"
#include "common/utc.h"
#include "supervisor/control/control_api.h"

/* Parts of the status with an "error". */
static const struct {
	const char *member, *called;
} parts[] = {
    {"guest_agent", "guest agent"},
    {"haproxy", "haproxy"},
    {"key_origin", "keys"},
};

/* Without one, or with one that cannot be read: the epoch, which is past. */
static time_t end_of(const cJSON *certificate)
{
	const char *text = json_string(certificate, "not_after");
	time_t end;

	return text == NULL || utc_read(text, &end) != 0 ? 0 : end;
}

static bool haproxy_is_up(const cJSON *status, FILE *out)
{
	const cJSON *haproxy = json_object(status, "haproxy");
	const char *since = haproxy == NULL ? NULL : json_string(haproxy, "loading_since");

	if (json_true(status, CONTROL_STARTING))
		fputs("ingressd is starting: it reads the certificates on the volume\n", out);
	else if (haproxy == NULL || json_integer(haproxy, "pid", 0) == 0)
		fputs("HAProxy does not run\n", out);
	else if (json_integer(haproxy, "worker", 0) == 0)
		say(out, "HAProxy is still loading its configuration, since %s",
		    since == NULL ? "its start" : since);
	else
		return true;
	return false;
}

/* Why it is not; NULL when it is. */
static const char *not_served(const cJSON *domain, time_t now)
{
	const cJSON *certificate = json_object(domain, "certificate");

	if (certificate == NULL)
		return "has no certificate";
	if (end_of(certificate) <= now)
		return "has a certificate that has expired";
	return json_true(domain, "served") ? NULL : "is not seen to be served yet";
}

static bool domain_is_served(const cJSON *domain, time_t now, FILE *out)
{
	const char *name = json_string(domain, "name");
	const char *error = json_string(domain, "error");
	const char *wrong = not_served(domain, now);

	if (wrong == NULL)
		return true;
	say(out, "%s %s%s%s", name == NULL ? "a domain" : name, wrong, error == NULL ? "" : ": ",
	    error == NULL ? "" : error);
	return false;
}

/* True when there was nothing to tell. */
static bool tell(const char *who, const char *wrong, FILE *out)
{
	if (wrong != NULL)
		say(out, "%s: %s", who, wrong);
	return wrong == NULL;
}

static bool evidence_is_there(const cJSON *status, FILE *out)
{
	const cJSON *evidence = json_object(status, "evidence");
	const char *wrong = evidence == NULL ? NULL : json_string(evidence, "error");

	if (wrong == NULL && (evidence == NULL || json_string(evidence, "published_at") == NULL))
		wrong = "none has been published since the start";
	return tell("evidence", wrong, out);
}

/* What does not keep anything from being served today. */
static bool nothing_is_wrong(const cJSON *status, time_t now, FILE *out)
{
	const cJSON *domain;
	bool healthy = tell("clock", json_string(status, "clock"), out);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const cJSON *part = json_object(status, parts[i].member);
		const char *wrong = part == NULL ? NULL : json_string(part, "error");
		healthy = tell(parts[i].called, wrong, out) && healthy;
	}
	cJSON_ArrayForEach(domain, json_array(status, "domains"))
	{
		const char *name = json_string(domain, "name");
		const char *error = json_string(domain, "error");
		name = name == NULL ? "a domain" : name;
		/* Of one that is not served, that has been told. */
		if (error != NULL && not_served(domain, now) == NULL)
			healthy = tell(name, error, out) && healthy;
		healthy = tell(name, json_string(domain, "note"), out) && healthy;
	}
	return healthy;
}

bool ctl_health(const cJSON *status, enum health_depth depth, time_t now, FILE *out)
{
	const cJSON *domains = json_array(status, "domains"), *domain;
	bool healthy = haproxy_is_up(status, out);

	if (depth == HEALTH_LIVE || json_true(status, CONTROL_STARTING)) {
		if (healthy)
			fputs("ingressd and HAProxy are up\n", out);
		return healthy;
	}
	cJSON_ArrayForEach(domain, domains)
	{
		if (!domain_is_served(domain, now, out))
			healthy = false;
	}
	if (depth == HEALTH_ALL || json_true(json_object(status, "evidence"), CONTROL_REQUIRED))
		healthy = evidence_is_there(status, out) && healthy;
	if (depth == HEALTH_ALL)
		healthy = nothing_is_wrong(status, now, out) && healthy;
	if (healthy)
		say(out, "ingressd and HAProxy are up, domains served: %d",
		    cJSON_GetArraySize(domains));
	return healthy;
}
