/* The state of everything as one JSON object: what `ingressctl status --json` prints. */
#ifndef SUPERVISOR_CONTROL_STATUS_H
#define SUPERVISOR_CONTROL_STATUS_H

#include <cjson/cJSON.h>
#include <time.h>

struct backend_addresses;
struct domains;
struct evidence_server;
struct handshakes;
struct haproxy;
struct identity;
struct key_origin;
struct publication;
struct settings;
struct served_pair;
struct start;
struct state;
struct steps;
struct stopping;
struct traffic;

struct status_sources {
	const struct settings *settings;
	const struct state *state;
	const struct domains *domains;
	const struct steps *steps;
	const struct handshakes *handshakes;
	const struct served_pair *pairs; /* one for each of settings->domains */
	const struct haproxy *haproxy;
	const struct traffic *traffic;
	const struct backend_addresses *addresses;
	const struct publication *publication;
	const struct evidence_server *evidence_server;
	const struct identity *identity;
	const struct key_origin *key_origin;
	const struct start *start;
	const struct stopping *stopping;
	time_t started_at;
};

/*
 * {
 *   "version", "pid", "started_at",
 *   "starting" (true: the certificates on the volume are being read, before HAProxy's first start),
 *   "stopping_since" (null: it is not to end),
 *   "app_id" (null until known), "guest_agent": {"error", "failing_since"},
 *   "haproxy": {"pid", "worker", "old_workers", "loading_since" (null: it does not load),
 *      "generation", "applied_at", "restarts", "error", "clients", "clients_max" (null: not
 *      known yet), "full_since" (null: there is room), "backends_failing" (how many),
 *      "backends": [{"name", "failures", "failing_since", "failed_at"}] (some of those)},
 *   "backend_addresses": [{"name", "address", "since", "error"}], of those known by name; "error"
 *      is why DNS's latest answer was not taken, which leaves "address" as it is
 *   "evidence": {"pid", "published_at", "failing_since", "error"},
 *   "acme": {"server", "account"},
 *   "key_origin": {"error", "failing_since", "rejected"},
 *   "domains": [{"name", "state", "served", "certificate": {"serial", "not_before",
 *      "not_after", "renew_at", "key"} or null, "failures", "error", "note", "operator":
 *      [{"type", "name", "value", "note", "exact"}], "next_at", "orders_in_last_hour"}]
 * }
 * Times are RFC 3339 in UTC, or null; "error" and "note" are sentences, or null.
 * "served": the latest handshake returned the certificate that was installed by then, and it has
 * not ended.  "certificate" is the one that is installed, which HAProxy may have yet to load.
 * "key" is "made here", "adopted" or null (not known yet); "rejected" says why a record of
 * keys was not believed.
 * "operator" are the records that DNS does not show and that are the operator's to make.
 * "state" is "settled", "working: STEP", "waiting: STEP", "waiting: operator".  Deleted by the
 * caller; NULL when memory ran out.
 */
cJSON *status_make(const struct status_sources *sources);

#endif
