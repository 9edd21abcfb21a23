/*
 * The ACME account under which certificates are ordered: the one on the volume, else one that
 * certbot registers, at most one at a time.  Which one a domain has seen is kept, since its CAA
 * record names that one.
 */
#ifndef SUPERVISOR_STEPS_STEPS_ACCOUNT_H
#define SUPERVISOR_STEPS_STEPS_ACCOUNT_H

#include "common/error.h"

struct acme_account;
struct certbot;
struct certificate_store;
struct clock_check;
struct domain;
struct settings;
struct state;

struct steps_account_options { /* all borrowed */
	const struct settings *settings;
	const struct state *state;
	struct certbot *certbot;
	struct certificate_store *store;
	struct clock_check *clock;
};

struct steps_account;

struct steps_account *steps_account_new(const struct steps_account_options *options,
					struct error *err);
void steps_account_free(struct steps_account *accounts);

/* The step, for the table in steps.c; `context` is the object. */
void steps_account_begin(struct domain *domain, void *context);

/* Of the account in use; "" until the step has been done. */
const char *steps_account_uri(const struct steps_account *accounts);

/* DNS had records of this app before we made any, see lost_volume.h. */
void steps_account_app_is_known(struct steps_account *accounts);

/* The account that the domain's CAA record names.  -1 with EXIT_TRY_LATER when another one has come
 * into use since: the step comes first again. */
int steps_account_of(const struct steps_account *accounts, const struct domain *domain,
		     const struct acme_account **account, struct error *err);

/* The CA did not know the account when the domain's certificate was ordered. */
void steps_account_is_lost(struct steps_account *accounts, const struct domain *domain);

#endif
