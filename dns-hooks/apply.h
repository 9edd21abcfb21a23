/* `plan` and `apply`: the records of the configured domains. */
#ifndef DNS_HOOKS_APPLY_H
#define DNS_HOOKS_APPLY_H

#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/plan/desired_records.h"

#include <stdbool.h>
#include <stddef.h>

struct apply_request {
	bool dry_run;		    /* plan: nothing is written, not even a folder */
	unsigned kinds;		    /* enum record_kinds */
	const char *account_uri;    /* NULL: not given */
	const char *const *domains; /* of the configured ones; owned by the caller */
	size_t domain_count;	    /* 0: all of them, unless there is a results_fd */
	/* Where a line goes for each of the domains (apply_result.h), each of which is done as if
	 * it were alone; the run itself ends well then.  0: nowhere. */
	int results_fd;
};

/*
 * Prints what is to be done, name by name, and does it.  A name for which it does not work
 * does not keep the others from being done, unless the provider or the credentials are the
 * reason.  -1 with err at the end if anything was left undone.
 */
int apply_run(const struct settings *settings, const struct apply_request *request,
	      struct error *err);

#endif
