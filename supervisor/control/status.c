#include "supervisor/control/status.h"

#include "common/utc.h"
#include "supervisor/addresses/backend_addresses.h"
#include "supervisor/control/control_api.h"
#include "supervisor/domains/domains.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/evidence/evidence_server.h"
#include "supervisor/evidence/identity.h"
#include "supervisor/evidence/key_origin.h"
#include "supervisor/evidence/publication.h"
#include "supervisor/haproxy/handshakes.h"
#include "supervisor/haproxy/haproxy.h"
#include "supervisor/haproxy/stopping.h"
#include "supervisor/haproxy/traffic.h"
#include "supervisor/steps/start.h"
#include "supervisor/steps/steps.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <unistd.h>

enum { BACKENDS_SHOWN = 20 };

static void add_time(cJSON *object, const char *name, time_t when)
{
	char text[UTC_SIZE];

	if (when == 0) {
		cJSON_AddNullToObject(object, name);
		return;
	}
	utc_write(when, text);
	cJSON_AddStringToObject(object, name, text);
}

/* null for "" and NULL. */
static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		cJSON_AddNullToObject(object, name);
	else
		cJSON_AddStringToObject(object, name, text);
}

static void add_backends(cJSON *object, const struct backend_health *backends)
{
	const struct backend_record *records[BACKENDS_SHOWN];
	size_t failing = backend_health_failing(backends, records, BACKENDS_SHOWN);
	cJSON *list;

	cJSON_AddNumberToObject(object, "backends_failing", (double)failing);
	list = cJSON_AddArrayToObject(object, "backends");
	for (size_t i = 0; i < failing && i < BACKENDS_SHOWN; i++) {
		cJSON *backend = cJSON_CreateObject();
		cJSON_AddStringToObject(backend, "name", traffic_backend_name(records[i]->name));
		cJSON_AddNumberToObject(backend, "failures", (double)records[i]->failures);
		add_time(backend, "failing_since", records[i]->failing_since);
		add_time(backend, "failed_at", records[i]->failed_at);
		cJSON_AddItemToArray(list, backend);
	}
}

static void add_traffic(cJSON *object, const struct traffic *traffic)
{
	struct traffic_status s;

	traffic_get_status(traffic, &s);
	if (s.clients_max > 0) {
		cJSON_AddNumberToObject(object, "clients", (double)s.clients);
		cJSON_AddNumberToObject(object, "clients_max", (double)s.clients_max);
	} else {
		cJSON_AddNullToObject(object, "clients");
		cJSON_AddNullToObject(object, "clients_max");
	}
	add_time(object, "full_since", s.full_since);
	add_backends(object, s.backends);
}

static void add_haproxy(cJSON *json, const struct haproxy *haproxy, const struct traffic *traffic)
{
	cJSON *object = cJSON_AddObjectToObject(json, "haproxy");
	struct haproxy_status s;

	haproxy_get_status(haproxy, &s);
	cJSON_AddNumberToObject(object, "pid", s.master);
	cJSON_AddNumberToObject(object, "worker", s.worker);
	cJSON_AddNumberToObject(object, "old_workers", s.old_workers);
	add_time(object, "loading_since", s.loading_since);
	cJSON_AddNumberToObject(object, "generation", (double)s.generation);
	add_time(object, "applied_at", s.applied_at);
	cJSON_AddNumberToObject(object, "restarts", s.restarts);
	add_text(object, "error", s.error);
	add_traffic(object, traffic);
}

/* Why DNS's latest answer was not taken; NULL when it was. */
static const char *describe_answer(const struct backend_address *entry, char *text, size_t size)
{
	char refused[IP_TEXT_SIZE];

	switch (entry->answer) {
	case ANSWER_NONE:
		return "DNS has not answered yet";
	case ANSWER_FAILED:
		return "DNS does not answer";
	case ANSWER_GONE:
		return "DNS says that there is no such name, or no address for it";
	case ANSWER_REFUSED:
		ip_text(&entry->refused, refused);
		snprintf(text, size,
			 "DNS says %s, which is neither in a network of this container nor in "
			 "BACKEND_NETWORKS",
			 refused);
		return text;
	case ANSWER_GOOD:
		break;
	}
	return NULL;
}

static cJSON *make_address(const struct backend_address *entry)
{
	cJSON *json = cJSON_CreateObject();
	char address[IP_TEXT_SIZE] = "", error[200];

	if (entry->known)
		ip_text(&entry->address, address);
	cJSON_AddStringToObject(json, "name", entry->name);
	add_text(json, "address", address);
	add_time(json, "since", entry->known ? entry->since : 0);
	add_text(json, "error", describe_answer(entry, error, sizeof(error)));
	return json;
}

static void add_addresses(cJSON *json, const struct backend_addresses *addresses)
{
	cJSON *list = cJSON_AddArrayToObject(json, "backend_addresses");

	for (size_t i = 0; i < backend_addresses_count(addresses); i++)
		cJSON_AddItemToArray(list, make_address(backend_addresses_at(addresses, i)));
}

static void add_evidence(cJSON *json, const struct status_sources *sources)
{
	cJSON *object = cJSON_AddObjectToObject(json, "evidence");
	struct publication_status s;

	publication_get_status(sources->publication, &s);
	cJSON_AddNumberToObject(object, "pid", evidence_server_pid(sources->evidence_server));
	cJSON_AddBoolToObject(object, CONTROL_REQUIRED, sources->settings->require_evidence);
	add_time(object, "published_at", s.published_at);
	add_time(object, "failing_since", s.failing_since);
	add_text(object, "error", s.error);
}

static void add_identity(cJSON *json, const struct status_sources *sources)
{
	const char *given = sources->settings->app_id;
	cJSON *agent;

	add_text(json, "app_id", given != NULL ? given : state_app_id(sources->state));
	agent = cJSON_AddObjectToObject(json, "guest_agent");
	add_text(agent, "error", identity_error(sources->identity));
	add_time(agent, "failing_since", identity_failing_since(sources->identity));
}

static void add_key_origin(cJSON *json, const struct key_origin *key_origin)
{
	cJSON *object = cJSON_AddObjectToObject(json, "key_origin");
	struct key_origin_status s;

	key_origin_get_status(key_origin, &s);
	add_text(object, "error", s.error);
	add_time(object, "failing_since", s.failing_since);
	add_text(object, "rejected", s.rejected);
}

static void add_certificate(cJSON *json, const struct status_sources *sources, size_t domain)
{
	const struct served_pair *pair = &sources->pairs[domain];

	if (!pair->present) {
		cJSON_AddNullToObject(json, "certificate");
		return;
	}
	cJSON *object = cJSON_AddObjectToObject(json, "certificate");
	cJSON_AddStringToObject(object, "serial", pair->serial);
	add_time(object, "not_before", pair->not_before);
	add_time(object, "not_after", pair->not_after);
	/* One that stands in is not renewed: the domain gets its own. */
	add_time(object, "renew_at",
		 pair->stand_in[0] != '\0'
		     ? 0
		     : schedule_renewal(pair->not_before, pair->not_after,
					sources->settings->renew_days_before));
	add_text(object, "stand_in", pair->stand_in);
	add_text(object, "key", key_origin_of(sources->key_origin, domain));
}

/* Those that are the operator's to make. */
static void add_records(cJSON *json, const cJSON *records)
{
	cJSON *copy = records == NULL ? cJSON_CreateArray() : cJSON_Duplicate(records, true);

	if (!cJSON_AddItemToObject(json, "operator", copy))
		cJSON_Delete(copy);
}

static cJSON *make_domain(const struct status_sources *sources, size_t domain)
{
	cJSON *json = cJSON_CreateObject();
	struct domain_view view;
	char state[48];

	domains_look(sources->domains, domain, &view);
	cJSON_AddStringToObject(json, "name", view.name);
	if (view.step == STEP_SETTLED && !view.running)
		snprintf(state, sizeof(state), CONTROL_STATE_SETTLED);
	else if (view.for_operator)
		snprintf(state, sizeof(state), CONTROL_STATE_WAITING ": operator");
	else
		snprintf(state, sizeof(state), "%s: %s",
			 view.running ? CONTROL_STATE_WORKING : CONTROL_STATE_WAITING,
			 view.step == STEP_SETTLED ? "start" : lifecycle_step_name(view.step));
	cJSON_AddStringToObject(json, "state", state);
	cJSON_AddBoolToObject(json, "served", handshakes_is_served(sources->handshakes, domain));
	add_certificate(json, sources, domain);
	cJSON_AddNumberToObject(json, "failures", view.failures);
	add_text(json, "error", view.error);
	add_text(json, "note", view.note);
	add_records(json, steps_missing_records(sources->steps, domain));
	add_time(json, "next_at", view.next_at);
	cJSON_AddNumberToObject(json, "orders_in_last_hour", view.orders);
	return json;
}

cJSON *status_make(const struct status_sources *sources)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *acme, *list;

	cJSON_AddStringToObject(json, "version", VERSION);
	cJSON_AddNumberToObject(json, "pid", getpid());
	add_time(json, "started_at", sources->started_at);
	cJSON_AddBoolToObject(json, CONTROL_STARTING, start_is_reading(sources->start));
	add_time(json, "stopping_since", stopping_since(sources->stopping));
	add_identity(json, sources);
	add_haproxy(json, sources->haproxy, sources->traffic);
	add_addresses(json, sources->addresses);
	add_evidence(json, sources);
	acme = cJSON_AddObjectToObject(json, "acme");
	cJSON_AddStringToObject(acme, "server", sources->settings->acme_server);
	add_text(acme, "account", steps_account_uri(steps_of_account(sources->steps)));
	add_key_origin(json, sources->key_origin);
	add_text(json, "clock", steps_clock_problem(sources->steps));
	list = cJSON_AddArrayToObject(json, "domains");
	for (size_t i = 0; i < domains_count(sources->domains); i++)
		cJSON_AddItemToArray(list, make_domain(sources, i));
	return json;
}
