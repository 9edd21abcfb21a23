/* A domain's waits: after a failure, for the operator, and between two passes.  Each ends when its
 * timer fires; what is waited for stands in the state file. */
#ifndef SUPERVISOR_DOMAINS_DOMAIN_WAIT_H
#define SUPERVISOR_DOMAINS_DOMAIN_WAIT_H

#include "common/error.h"
#include "supervisor/domains/lifecycle.h"

#include <stdbool.h>

struct domain;

/* Whether trying the step again costs something, so that a restart does not cut its wait short. */
bool domain_wait_is_costly(enum step step);

/* The timer fires in so many seconds, at once if they are negative. */
void domain_wake_in(struct domain *domain, long seconds);

/* `failed` is tried again after a pause that grows; a NULL `err` says nothing. */
void domain_pause(struct domain *domain, enum step failed, const struct error *err);

/* Told once, however often it is looked whether the operator has done it. */
void domain_wait_for_operator(struct domain *domain, const struct error *why);

/* A pass has come to its end. */
void domain_rest(struct domain *domain);

#endif
