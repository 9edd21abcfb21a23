/* What a run of `plan` or `apply` works with, whatever the name. */
#ifndef DNS_HOOKS_APPLY_WORK_H
#define DNS_HOOKS_APPLY_WORK_H

#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/operator/operator_records.h"
#include "dns-hooks/plan/plan_make.h"
#include "dns-hooks/plan/print.h"
#include "dns-hooks/providers/provider_table.h"
#include "dns-hooks/resolve/authority.h"

#include <stdbool.h>

struct apply_work {
	const struct settings *settings;
	bool is_dry;
	bool is_logged; /* what is done goes to the log, not to standard output */
	struct provider provider;
	struct journal journal; /* unless it is dry */
	struct dns_view view;
	struct plan_rules rules;
	struct record_list addresses; /* of the gateway, once they were needed */
	struct operator_list missing; /* what only the operator can make, and has not */
	bool is_dns_silent;	      /* delegations cannot be checked; said once */
	bool has_others;	      /* records that are desired are somebody else's to make */
	bool is_partial;	      /* of a change that failed, some may have been made */
	bool is_unclear;	      /* what is there cannot be told for all names */
	struct print_counts counts;
};

/* What has to be done at a name where `present` is, in a zone that may not be known (""). */
int apply_work_out(struct apply_work *work, const struct desired_records *desired, const char *zone,
		   const struct record_list *present, struct plan *plan, struct error *err);

#endif
