#include "supervisor/ctl/show.h"

#include "common/json.h"
#include "common/say.h"
#include "common/utc.h"
#include "supervisor/control/control_api.h"

#include <stdlib.h>
#include <string.h>

enum { WHEN_MAX = 48, BACKENDS_SHOWN_MAX = 10 };

/* "2027-02-20, in 89 d": the day for the calendar, the distance for the eye. */
static void show_time(const char *text, time_t now, char out[WHEN_MAX])
{
	time_t when;

	if (text == NULL || utc_read(text, &when) != 0) {
		snprintf(out, WHEN_MAX, "-");
		return;
	}
	long long distance = (long long)when - now;
	long long size = llabs(distance);
	const char *ago = distance < 0 ? " ago" : "";
	const char *in = distance < 0 ? "" : "in ";

	if (size < 1)
		snprintf(out, WHEN_MAX, "now");
	else if (size >= 2 * 86400)
		snprintf(out, WHEN_MAX, "%.10s, %s%lld d%s", text, in, size / 86400, ago);
	else if (size >= 2 * 3600)
		snprintf(out, WHEN_MAX, "%.10s, %s%lld h%s", text, in, size / 3600, ago);
	else if (size >= 120)
		snprintf(out, WHEN_MAX, "%s%lld min%s", in, size / 60, ago);
	else
		snprintf(out, WHEN_MAX, "%s%lld s%s", in, size, ago);
}

static const char *or_dash(const char *text)
{
	return text == NULL ? "-" : text;
}

static void print_clients(const cJSON *haproxy, time_t now, FILE *out)
{
	const char *full = json_string(haproxy, "full_since");
	long long most = json_integer(haproxy, "clients_max", 0);
	char since[WHEN_MAX];

	if (most == 0)
		return;
	show_time(full, now, since);
	say(out, "clients    %lld of %lld at most%s%s", json_integer(haproxy, "clients", 0), most,
	    full == NULL ? "" : ", FULL since ", full == NULL ? "" : since);
}

static void print_haproxy(const cJSON *status, time_t now, FILE *out)
{
	const cJSON *haproxy = json_object(status, "haproxy");
	const char *loading = json_string(haproxy, "loading_since");
	char since[WHEN_MAX];

	if (json_true(status, CONTROL_STARTING)) {
		say(out, "haproxy    not started yet: the certificates on the volume are read");
		return;
	}
	show_time(json_string(haproxy, "applied_at"), now, since);
	say(out, "haproxy    %s, worker %lld, configuration %lld since %s, %lld old workers",
	    json_integer(haproxy, "pid", 0) > 0 ? "running" : "NOT RUNNING",
	    json_integer(haproxy, "worker", 0), json_integer(haproxy, "generation", 0), since,
	    json_integer(haproxy, "old_workers", 0));
	if (loading != NULL) {
		show_time(loading, now, since);
		say(out, "           LOADING its configuration since %s", since);
	}
	print_clients(haproxy, now, out);
}

/* One line, however many there are. */
static void print_addresses(const cJSON *backends, FILE *out)
{
	const cJSON *backend;
	unsigned count = 0, without = 0;

	cJSON_ArrayForEach(backend, backends)
	{
		count++;
		without += json_string(backend, "address") == NULL;
	}
	if (count > 0)
		fprintf(out, "backends   %u known by name, %u without an address\n", count,
			without);
}

static void print_parts(const cJSON *status, time_t now, FILE *out)
{
	const cJSON *evidence = json_object(status, "evidence");
	const cJSON *acme = json_object(status, "acme");
	char since[WHEN_MAX];

	show_time(json_string(status, "started_at"), now, since);
	say(out, "ingressd   %s, pid %lld, started %s", or_dash(json_string(status, "version")),
	    json_integer(status, "pid", 0), since);
	if (json_string(status, "stopping_since") != NULL) {
		show_time(json_string(status, "stopping_since"), now, since);
		say(out, "           STOPPING since %s", since);
	}
	print_haproxy(status, now, out);
	print_addresses(json_array(status, "backend_addresses"), out);
	show_time(json_string(evidence, "published_at"), now, since);
	if (json_string(evidence, "published_at") == NULL)
		say(out, "evidence   NOT PUBLISHED since the start");
	else
		say(out, "evidence   published %s", since);
	say(out, "app        %s", or_dash(json_string(status, "app_id")));
	say(out, "acme       %s", or_dash(json_string(acme, "server")));
	say(out, "           account %s", or_dash(json_string(acme, "account")));
}

static int name_width(const cJSON *domains)
{
	const cJSON *domain;
	size_t width = strlen("DOMAIN");

	cJSON_ArrayForEach(domain, domains)
	{
		const char *name = json_string(domain, "name");
		if (name != NULL && strlen(name) > width)
			width = strlen(name);
	}
	return (int)width;
}

static void print_domain(const cJSON *domain, int width, time_t now, FILE *out)
{
	const cJSON *certificate = json_object(domain, "certificate");
	char ends[WHEN_MAX], renews[WHEN_MAX];

	show_time(certificate ? json_string(certificate, "not_after") : NULL, now, ends);
	show_time(certificate ? json_string(certificate, "renew_at") : NULL, now, renews);
	say(out, "%-*s  %-17s  %-6s  %-24s  %-24s  %s", width, or_dash(json_string(domain, "name")),
	    or_dash(json_string(domain, "state")), json_true(domain, "served") ? "yes" : "no", ends,
	    renews, or_dash(certificate ? json_string(certificate, "key") : NULL));
}

static void print_trouble(const char *who, const char *text, const char *next, time_t now,
			  FILE *out)
{
	char when[WHEN_MAX];

	if (text == NULL)
		return;
	fputs("\n", out);
	say(out, "%s: %s", who, text);
	if (next == NULL)
		return;
	show_time(next, now, when);
	say(out, "  tried again %s", when);
}

static void print_backends(const cJSON *haproxy, time_t now, FILE *out)
{
	const cJSON *list = json_array(haproxy, "backends"), *backend;
	long long more = json_integer(haproxy, "backends_failing", 0) - cJSON_GetArraySize(list);
	char since[WHEN_MAX], last[WHEN_MAX];

	cJSON_ArrayForEach(backend, list)
	{
		show_time(json_string(backend, "failing_since"), now, since);
		show_time(json_string(backend, "failed_at"), now, last);
		fputs("\n", out);
		say(out,
		    "backend %s: does not take connections since %s: %lld failed, the latest %s",
		    or_dash(json_string(backend, "name")), since,
		    json_integer(backend, "failures", 0), last);
	}
	if (more > 0) {
		fputs("\n", out);
		say(out, "backends: %lld more do not take connections", more);
	}
}

/* Those that clients do not reach, and what was not believed; with thousands of them the first
 * will do. */
static void print_address_troubles(const cJSON *backends, time_t now, FILE *out)
{
	const cJSON *backend;
	unsigned shown = 0, hidden = 0;

	cJSON_ArrayForEach(backend, backends)
	{
		const char *address = json_string(backend, "address");
		const char *error = json_string(backend, "error");
		char since[WHEN_MAX];
		if (error == NULL)
			continue;
		if (shown++ >= BACKENDS_SHOWN_MAX) {
			hidden++;
			continue;
		}
		fprintf(out, "\nbackend %s: %s\n", or_dash(json_string(backend, "name")), error);
		show_time(json_string(backend, "since"), now, since);
		if (address == NULL)
			fprintf(out, "  its clients are refused\n");
		else
			fprintf(out, "  it stays at %s (since %s)\n", address, since);
	}
	if (hidden > 0)
		fprintf(out, "\nand %u more backends: ingressctl status --json\n", hidden);
}

static void print_stand_in(const char *name, const cJSON *certificate, FILE *out)
{
	const char *stand_in = certificate == NULL ? NULL : json_string(certificate, "stand_in");

	if (stand_in == NULL)
		return;
	fputs("\n", out);
	say(out, "%s: served by the certificate of %s until its own is there", name, stand_in);
}

static void print_troubles(const cJSON *status, time_t now, FILE *out)
{
	const cJSON *domain;

	print_trouble("clock", json_string(status, "clock"), NULL, now, out);
	print_trouble("guest agent", json_string(json_object(status, "guest_agent"), "error"), NULL,
		      now, out);
	print_trouble("haproxy", json_string(json_object(status, "haproxy"), "error"), NULL, now,
		      out);
	print_backends(json_object(status, "haproxy"), now, out);
	print_trouble("evidence", json_string(json_object(status, "evidence"), "error"), NULL, now,
		      out);
	print_trouble("keys", json_string(json_object(status, "key_origin"), "error"), NULL, now,
		      out);
	print_trouble("keys", json_string(json_object(status, "key_origin"), "rejected"), NULL, now,
		      out);
	print_address_troubles(json_array(status, "backend_addresses"), now, out);
	cJSON_ArrayForEach(domain, json_array(status, "domains"))
	{
		const char *name = or_dash(json_string(domain, "name"));
		print_stand_in(name, json_object(domain, "certificate"), out);
		print_trouble(name, json_string(domain, "error"), json_string(domain, "next_at"),
			      now, out);
		print_trouble(name, json_string(domain, "note"), NULL, now, out);
	}
}

void ctl_print_status(const cJSON *status, time_t now, FILE *out)
{
	const cJSON *domains = json_array(status, "domains"), *domain;
	int width = name_width(domains);

	print_parts(status, now, out);
	fputs("\n", out);
	say(out, "%-*s  %-17s  %-6s  %-24s  %-24s  %s", width, "DOMAIN", "STATE", "SERVED", "ENDS",
	    "RENEWS", "KEY");
	cJSON_ArrayForEach(domain, domains) print_domain(domain, width, now, out);
	print_troubles(status, now, out);
}
