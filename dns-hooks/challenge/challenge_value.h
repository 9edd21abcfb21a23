/* One challenge value into DNS and out again, never without a note of it (see journal.h). */
#ifndef DNS_HOOKS_CHALLENGE_CHALLENGE_VALUE_H
#define DNS_HOOKS_CHALLENGE_CHALLENGE_VALUE_H

#include "common/error.h"
#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/providers/provider.h"

#include <stdbool.h>

/*
 * Notes the value, then adds it to `zone`.  `settle` receives for how many seconds caches may
 * hold an answer without it.  1 when it was added, 0 when it was there already, -1: what the
 * failure may have left stays noted.
 */
int challenge_put_in(const struct provider *provider, const struct journal *journal,
		     const struct challenge_note *note, const struct zone *zone, unsigned *settle,
		     struct error *err);

/*
 * Removes the value, then the note.  Gone already is fine.  `was_served`: somebody may have asked
 * for it, so that the next value at that name has to wait for caches to drop this one.
 */
int challenge_take_out(const struct provider *provider, const struct journal *journal,
		       const struct challenge_note *note, bool was_served, struct error *err);

#endif
