/* `look`: whether the operator has made records that he was told to make.  DNS alone is asked. */
#ifndef DNS_HOOKS_LOOK_H
#define DNS_HOOKS_LOOK_H

#include "common/error.h"
#include "common/settings.h"

/*
 * Reads [{"domain", "records"}, ...] from `input`, the records as apply_result.h has them, and
 * writes a line for each domain to `results_fd`, as `apply` does: EXIT_TRY_LATER with those that
 * DNS does not show.  -1 (EXIT_USAGE_ERROR) for an input that is none of that form.
 */
int look_run(const struct settings *settings, int input, int results_fd, struct error *err);

#endif
