#include "supervisor/ctl/health.h"

#include "common/json.h"
#include "common/say.h"
#include "common/utc.h"
#include "supervisor/control_api.h"

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

static bool domain_is_served(const cJSON *domain, time_t now, FILE *out)
{
	const cJSON *certificate = json_object(domain, "certificate");
	const char *name = json_string(domain, "name");
	const char *error = json_string(domain, "error");
	const char *wrong;

	if (certificate == NULL)
		wrong = "has no certificate";
	else if (end_of(certificate) <= now)
		wrong = "has a certificate that has expired";
	else if (!json_true(domain, "served"))
		wrong = "is not seen to be served yet";
	else
		return true;
	say(out, "%s %s%s%s", name == NULL ? "a domain" : name, wrong, error == NULL ? "" : ": ",
	    error == NULL ? "" : error);
	return false;
}

bool ctl_health(const cJSON *status, bool live, time_t now, FILE *out)
{
	const cJSON *domains = json_array(status, "domains"), *domain;
	bool healthy = haproxy_is_up(status, out);

	if (live || json_true(status, CONTROL_STARTING)) {
		if (healthy)
			fputs("ingressd and HAProxy are up\n", out);
		return healthy;
	}
	cJSON_ArrayForEach(domain, domains)
	{
		if (!domain_is_served(domain, now, out))
			healthy = false;
	}
	if (healthy)
		say(out, "ingressd and HAProxy are up, domains served: %d",
		    cJSON_GetArraySize(domains));
	return healthy;
}
