/*
 * How many orders are asked of the CA, by the limits of Let's Encrypt
 * (https://letsencrypt.org/docs/rate-limits/), counted in the state on the certificate volume.
 *
 * - Four attempts of a name within an hour: the CA bears five failed validations.
 * - Five certificates of a name within seven days, then one each 34 hours.
 * - 300 orders of all names together within three hours.
 *
 * The last two are those of one CA: with ORDER_LIMITS=none only the first is kept, and what the CA
 * says itself (429, Retry-After).
 */
#ifndef SUPERVISOR_DOMAINS_ORDER_BUDGET_H
#define SUPERVISOR_DOMAINS_ORDER_BUDGET_H

#include "common/error.h"
#include "supervisor/domains/state.h"

#include <stdbool.h>
#include <time.h>

struct order_budget_options {
	struct state *state; /* borrowed */
	bool has_limits_of_ca;
};

/*
 * Whether an order for `record` may be asked at `now`: 0, or -1 with EXIT_TRY_LATER and
 * err->retry_after.  `is_covered`: a certificate is there that holds for longer than a day. Without
 * one the limit of a week does not hold an order back: the CA may still grant it.
 */
int order_budget_check(const struct order_budget_options *options, struct domain_record *record,
		       bool is_covered, time_t now, struct error *err);

/* As order_budget_check(), and notes the order durably: it is made after this.  -1 also when the
 * volume cannot be written. */
int order_budget_spend(const struct order_budget_options *options, struct domain_record *record,
		       bool is_covered, time_t now, struct error *err);

/* certbot ended before anything was asked of the CA. */
void order_budget_refund(const struct order_budget_options *options, struct domain_record *record);

/* The order brought the certificate with this serial (NULL: it is not known). */
void order_budget_issued(struct domain_record *record, const char *serial, time_t now);

#endif
