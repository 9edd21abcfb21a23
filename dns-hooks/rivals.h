/*
 * Another instance that writes an app address of its own at the same name: each replaces what the
 * other wrote, and the gateway sends connections now here and now there.  It shows by a value that
 * comes back after it was replaced.
 */
#ifndef DNS_HOOKS_RIVALS_H
#define DNS_HOOKS_RIVALS_H

#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/plan/plan.h"

/* Adds a warning to the plan for each TXT value in it that is to be replaced again. */
void rivals_warn(const struct journal *journal, struct plan *plan);

/* Remembers the values that these changes, now made, have replaced. */
void rivals_note(const struct journal *journal, const struct change_list *changes);

#endif
