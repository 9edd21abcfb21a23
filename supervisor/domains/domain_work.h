/* What the work of a step asks of its domain, and how it says that it has ended. */
#ifndef SUPERVISOR_DOMAINS_DOMAIN_WORK_H
#define SUPERVISOR_DOMAINS_DOMAIN_WORK_H

#include "common/error.h"
#include "supervisor/children/lane.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct domain;

const char *domain_called(const struct domain *domain);
/* Its place among the names. */
size_t domain_index(const struct domain *domain);
/* What the table has for the step under way. */
void *domain_context(const struct domain *domain);
/* Waits for a place in the lane, then calls go(domain). */
void domain_enter(struct domain *domain, struct lane *lane, void (*go)(void *domain));

/* How a step ended: its work is done; there was nothing to do; it failed, which the domain goes
 * past (it becomes its note, and is tried again some time after the pass); it failed; it failed,
 * and only another certificate can be served. */
void domain_done(struct domain *domain);
void domain_nothing(struct domain *domain);
void domain_passed(struct domain *domain, const struct error *err);
void domain_failed(struct domain *domain, const struct error *err);
void domain_refused(struct domain *domain, const struct error *err);

/* Its note, besides those of steps that were gone past, from here to the next call: what ought to
 * be set right although the order goes on.  NULL: nothing. */
void domain_set_caution(struct domain *domain, const char *text);

/* It ends so as well where something is the operator's to do before it can go on (`why`): it is
 * begun again in so many seconds. */
void domain_waits(struct domain *domain, long seconds, const struct error *why);

/* What the operator was told last, as a digest; "" for nothing.  It is kept over a restart. */
const char *domain_told(const struct domain *domain);
void domain_set_told(struct domain *domain, const char *digest);

/* Whether a certificate is to be ordered although none is due, until one has been. */
bool domain_is_forced(const struct domain *domain);
/* The order brought the certificate with this serial; NULL: it is not known. */
void domain_was_ordered(struct domain *domain, const char *serial);

/* How many failures there were in a row until now. */
unsigned domain_failures(const struct domain *domain);

/* Notes an order, durably, as order_budget_spend() does: -1 with EXIT_TRY_LATER when there were too
 * many lately.  It is taken back when nothing was asked of the CA after all. */
int domain_spend_order(struct domain *domain, bool is_covered, struct error *err);
void domain_refund_order(struct domain *domain);
/* When the latest order brought the certificate with this serial, by our clock; 0: it is not known,
 * or another came onto the volume since. */
time_t domain_issued_at(const struct domain *domain, const char *serial);

#endif
