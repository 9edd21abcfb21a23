/* What became of one domain of several, for whoever started the run: a line of JSON. */
#ifndef DNS_HOOKS_APPLY_RESULT_H
#define DNS_HOOKS_APPLY_RESULT_H

#include "common/error.h"
#include "dns-hooks/operator/operator_records.h"

#include <stdbool.h>

/*
 * {"domain", "exit_code", "error", "retry_after", "unchanged"}, with the exit status that a run for
 * this domain alone would have, and "unchanged" true where all records were there already, and are
 * this app's own work. `failure` NULL: it was done; "error" is then null, or `note` (may be NULL),
 * which is about what is not as it should be although it was.  `missing` (may be NULL, or empty)
 * are the records that the operator has to make: "operator", an array of {"type", "name", "value",
 * "note", "exact"}.
 */
int apply_result_write(int fd, const char *domain, const struct error *failure,
		       const struct error *note, bool unchanged,
		       const struct operator_list *missing, struct error *err);

#endif
