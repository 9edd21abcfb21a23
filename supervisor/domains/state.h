/*
 * What must survive a restart, kept as one JSON file on the certificate volume: how many
 * orders each name has cost lately, what each domain waits for, and the app's id.
 *
 * Everything else is found out again from the certificates themselves.
 */
#ifndef SUPERVISOR_DOMAINS_STATE_H
#define SUPERVISOR_DOMAINS_STATE_H

#include "common/certificate.h"
#include "common/digest.h"
#include "common/domain.h"
#include "common/error.h"
#include "supervisor/domains/lifecycle.h"
#include "supervisor/domains/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum { STATE_ID_MAX = 129 };

struct domain_record {
	domain_name name;
	struct budget budget;
	struct bucket certificates; /* those that orders brought lately, see order_budget.h */
	/* The certificate that the latest order brought, and when; "" and 0: not known. */
	char issued_serial[CERTIFICATE_SERIAL_MAX];
	time_t issued_at;
	enum step step;	   /* what is tried again ... */
	unsigned attempt;  /* ... after so many failures in a row (0: nothing failed) ... */
	time_t not_before; /* ... not before then */
	char error[ERROR_TEXT_MAX]; /* the latest failure; "" */
	/* The digest of the records that the operator's webhook was told of last; "". */
	char told[SHA256_HEX_SIZE];
};

struct state;

/* An absent file is an empty state.  One that cannot be read as what we write is set
 * aside as FILE.broken, with a warning: the product must come up. */
struct state *state_open(const char *letsencrypt_dir, struct error *err);
void state_free(struct state *state);

/* Whether the volume had a state when it was opened: somebody has been here before. */
bool state_was_there(const struct state *state);

/* The record of a domain, made if there is none; owned by the state and valid until it is
 * freed.  NULL when memory ran out. */
struct domain_record *state_domain(struct state *state, const char *name);

/* The orders of all names together, see order_budget.h. */
struct bucket *state_orders(struct state *state);

/* "" until known. */
const char *state_app_id(const struct state *state);
void state_set_app_id(struct state *state, const char *app_id);

/* Durable when it returns 0. */
int state_save(struct state *state, struct error *err);

#endif
