/* What ingress-dns does for a domain: its records (alias and TXT, then, once the account is
 * known, CAA), and a look at whether an order can succeed. */
#ifndef SUPERVISOR_STEPS_STEPS_DNS_H
#define SUPERVISOR_STEPS_STEPS_DNS_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

struct domain;
struct jobs;
struct served_pair;
struct settings;
struct state;
struct steps_account;
struct steps_order;

struct steps_dns_options {
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
	const struct served_pair *pairs; /* one for each of settings->domains */
	struct steps_account *accounts;
	struct steps_order *order; /* knows what is due */
};

struct steps_dns;

struct steps_dns *steps_dns_new(const struct steps_dns_options *options, struct error *err);
void steps_dns_free(struct steps_dns *dns);

/* The records of a domain that DNS does not show and that are the operator's to make; NULL: none.
 */
const cJSON *steps_dns_missing(const struct steps_dns *dns, size_t domain);

/* The steps, for the table in steps.c; `context` is the object. */
void steps_dns_records(struct domain *domain, void *context);
void steps_dns_caa(struct domain *domain, void *context);
void steps_dns_preflight(struct domain *domain, void *context);

#endif
