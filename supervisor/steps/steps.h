/*
 * The steps of a domain's life as one table for the engine (domains.h): which function does which.
 *
 *   RECORDS, CAA, PREFLIGHT                  steps_dns.h: what ingress-dns does
 *   ACCOUNT                                  steps_account.h: as whom certbot orders
 *   ISSUE                                    steps_order.h: what certbot does
 *   CHECK, INSTALL, PUBLISH, APPLY, PROBE    steps_serve.h: from the volume to the wire
 */
#ifndef SUPERVISOR_STEPS_STEPS_H
#define SUPERVISOR_STEPS_STEPS_H

#include "common/error.h"
#include "supervisor/domains/domains.h"
#include "supervisor/steps/steps_account.h"
#include "supervisor/steps/steps_order.h"
#include "supervisor/steps/steps_serve.h"

#include <cjson/cJSON.h>

struct handshakes;
struct jobs;
struct event_base;
struct settings;

struct certificate_store;

struct steps_options {
	struct event_base *base;
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
	struct certbot *certbot;
	struct haproxy *haproxy;
	struct handshakes *handshakes;
	struct publication *publication;
	struct key_origin *key_origin;
	struct certificate_store *store;
	struct served_pair *pairs; /* one for each of settings->domains */
	const char *certs_folder;
};

struct steps;

struct steps *steps_new(const struct steps_options *options, struct error *err);
void steps_free(struct steps *steps);

/* STEP_COUNT of them, for the engine. */
const struct step_work *steps_table(const struct steps *steps);

/* Why our clock is suspected to be wrong; "". */
const char *steps_clock_problem(const struct steps *steps);

/* See steps_dns.h. */
const cJSON *steps_missing_records(const struct steps *steps, size_t domain);

struct steps_account *steps_of_account(const struct steps *steps);
struct steps_order *steps_of_order(const struct steps *steps);
struct steps_serve *steps_of_serving(const struct steps *steps);

#endif
