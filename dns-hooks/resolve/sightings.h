/*
 * What each server of a zone showed so far, and what that amounts to; pure.
 *
 * A CA's resolver asks one of the servers, and goes on to another one if that cannot be asked.  So
 * a server that answers without the value is waited for as long as it takes, and one that cannot
 * be asked is done without: soon if at least half of the servers have the value, at the end of the
 * time if a single one has it.
 */
#ifndef DNS_HOOKS_RESOLVE_SIGHTINGS_H
#define DNS_HOOKS_RESOLVE_SIGHTINGS_H

#include "dns-hooks/resolve/authority.h"

#include <stdbool.h>
#include <stddef.h>

enum sight {
	SIGHT_NOT_ASKED,
	SIGHT_SEEN,
	SIGHT_MISSING, /* it answers, without the value */
	SIGHT_REFUSED, /* it answers with an error, or not for this zone */
	SIGHT_SILENT,
};

struct sightings {
	const struct authority *authority;
	enum sight sights[AUTHORITY_SERVERS_MAX];
	int failures[AUTHORITY_SERVERS_MAX]; /* in a row */
	int patience;			     /* failures before a server is given up */
};

struct sightings_tally {
	size_t servers; /* by name: a server may have several addresses */
	size_t seen;	/* of them, by at least one address */
};

void sightings_note(struct sightings *sightings, size_t server, enum sight sight);

/* Whether the address is to be asked (again). */
bool sightings_is_due(const struct sightings *sightings, size_t server);

/* How many addresses the value is waited for at. */
size_t sightings_lacking(const struct sightings *sightings);

/* Whether an order may go on; `is_last` when there is no time left to wait for more. */
bool sightings_suffice(const struct sightings *sightings, bool is_last);

/* Whether the address could not be asked: often enough, or at all if `is_last`. */
bool sightings_is_given_up(const struct sightings *sightings, size_t server, bool is_last);

/* Whether none of the addresses that were asked gave an answer. */
bool sightings_are_failures(const struct sightings *sightings);

/* Whether another address of the same server shows the value. */
bool sightings_is_seen_elsewhere(const struct sightings *sightings, size_t server);

/* Extra servers do not count: see authority_try(). */
struct sightings_tally sightings_count(const struct sightings *sightings);

const char *sight_text(enum sight sight);

#endif
