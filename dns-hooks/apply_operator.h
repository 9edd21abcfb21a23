/*
 * The records of `plan` and `apply` that only the operator can make: CNAMEs into DELEGATION_ZONE,
 * and all that is in zones which the credentials do not reach.  DNS is asked whether he has.
 */
#ifndef DNS_HOOKS_APPLY_OPERATOR_H
#define DNS_HOOKS_APPLY_OPERATOR_H

#include "dns-hooks/apply_work.h"

/*
 * For a name whose records the provider cannot make: what DNS does not show of what is desired
 * there is added to work->missing, and told in err: 0, or -1 (EXIT_TRY_LATER).  With
 * DNS_SETUP_MODE=print `apply` does not ask DNS: all of it is added, and that is 0.
 */
int apply_by_hand(struct apply_work *work, const struct desired_records *desired,
		  struct error *err);

/*
 * For a name that could not be brought up to date, for the reason in `err`: 0 with a note when DNS
 * shows all that is desired there.  Otherwise -1: of a name that the credentials reach err stays as
 * it is; of another it has what is missing behind the reason, EXIT_TRY_LATER unless it is
 * EXIT_BAD_CONFIG (the credentials may not write), and what is missing is added to work->missing.
 */
int apply_others_records(struct apply_work *work, const struct desired_records *desired,
			 bool is_reached, struct error *err);

/*
 * The CNAMEs of these domains (0: all of them) that delegation asks for: what DNS does not show is
 * added to work->missing, and told in err.  0, or -1 (EXIT_TRY_LATER; EXIT_BAD_CONFIG where they
 * cannot be made).
 */
int apply_delegation(struct apply_work *work, const char *const *domains, size_t count,
		     unsigned kinds, struct error *err);

/* Tells what is missing, as lines to paste into a zone file. */
void apply_tell_missing(const struct apply_work *work);

#endif
