/* What became of a zone that was written; pure. */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_OUTCOME_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_OUTCOME_H

#include "dns-hooks/providers/namecheap_zone.h"

enum namecheap_outcome {
	NAMECHEAP_WRITTEN,   /* all that was sent is there (others may have added to it) */
	NAMECHEAP_UNTOUCHED, /* the zone is as it was before */
	NAMECHEAP_OVERTAKEN, /* nothing of others is lost, but our change is not there: somebody
			      * else wrote at the same moment */
	NAMECHEAP_DAMAGED,   /* something of others that was sent is not there */
};

/*
 * Compares what is found now with what was read before the write and with what was sent, of which
 * every host without is_paired is missing afterwards.  `name` is where the change was.
 */
enum namecheap_outcome namecheap_outcome_of(struct namecheap_zone *before,
					    struct namecheap_zone *sent,
					    struct namecheap_zone *found, const char *name);

/* Tells about NAMECHEAP_DAMAGED: every lost host in the log, so that it can be entered again by
 * hand, and a sentence in err (EXIT_TRY_LATER: what was written is there).  Returns -1. */
int namecheap_tell_damage(const struct namecheap_zone *sent, const struct namecheap_zone *found,
			  const char *name, struct error *err);

#endif
