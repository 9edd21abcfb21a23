/* What `plan`, `apply` and `list` say on standard output, in the manner of such tools. */
#ifndef DNS_HOOKS_PLAN_PRINT_H
#define DNS_HOOKS_PLAN_PRINT_H

#include "common/error.h"
#include "dns-hooks/plan/desired_records.h"
#include "dns-hooks/plan/plan.h"
#include "dns-hooks/records/record.h"

struct print_counts {
	size_t added, changed, removed;
};

/*
 *   app.example.com
 *     ~ CNAME old.example.net -> CNAME gateway.example.net  (points to the gateway)
 *     + TXT "..."  (...)
 *     * a note
 *     ! a warning
 *
 * Nothing for a name without changes and warnings.
 */
void print_plan(const struct desired_records *desired, const struct plan *plan);
/*
 * The same in the log, a line for each change, note and warning: among lines of others, where none
 * tells which name the one before it was about.  Changes and their notes are told when it is known
 * what has become of them; at debug where they were tried in vain.
 */
enum print_stage { PRINT_FOR_OPERATOR, PRINT_TRIED, PRINT_MADE };
void print_changes_to_log(const struct desired_records *desired, const struct plan *plan,
			  enum print_stage stage);
void print_warnings_to_log(const struct desired_records *desired, const struct plan *plan);
void print_failure(const struct desired_records *desired, const struct error *err);
/* A note on the name that was printed last. */
void print_note(const char *note);
/* What could not be found out, for no name in particular. */
void print_doubt(const struct error *doubt);
/* Adds the plan's changes. */
void print_count(const struct plan *plan, struct print_counts *counts);
/* How many of which; "No changes." only if that is the whole truth.  `is_partial` when a change
 * failed of which some may have been made. */
void print_summary(const struct print_counts *counts, bool is_plan, bool has_failed,
		   bool is_partial);

/* The same for changes that nobody but the operator can make. */
void print_by_hand(const struct print_counts *counts, const char *provider, bool is_unclear);

enum { PRINT_RECORD_MAX = 1024 };

/* As a zone file has it: NAME TTL IN TYPE VALUE. */
void print_record_line(const struct record *record, char line[PRINT_RECORD_MAX]);
void print_record(const struct record *record);

#endif
