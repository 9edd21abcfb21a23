/*
 * The address in use for every backend that is known by a name: answers of DNS in, decisions
 * out.  It knows neither processes nor the network; the clock is the caller's.
 *
 * - The last address that was believed stays until DNS gives another one: while DNS is silent,
 *   for ever.  One that is still among the answers stays, whatever their order.
 * - Only an address that networks_allow() is believed: whoever answers DNS (outside of the
 *   container, that is the host) must not choose where decrypted traffic goes.
 * - A name that has been denied ADDRESS_GONE_MIN times in a row, for ADDRESS_GONE_SECONDS, has no
 *   address any more.
 */
#ifndef SUPERVISOR_ADDRESSES_BACKEND_ADDRESSES_H
#define SUPERVISOR_ADDRESSES_BACKEND_ADDRESSES_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/dns_answer.h"
#include "supervisor/addresses/own_networks.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <time.h>

enum { ADDRESS_GONE_SECONDS = 60, ADDRESS_GONE_MIN = 5, ADDRESS_REFUSAL_PAUSE = 60 };

/* What the latest answer was. */
enum address_answer { ANSWER_NONE, ANSWER_GOOD, ANSWER_GONE, ANSWER_FAILED, ANSWER_REFUSED };

struct backend_address {
	TAILQ_ENTRY(backend_address) by_change;
	const char *name; /* the settings' */
	bool known;
	struct ip_address address; /* when known */
	time_t since;		   /* when known: of this address */
	enum address_answer answer;
	struct ip_address refused; /* with ANSWER_REFUSED: the first of them */
	struct ip_address refusal; /* the latest one that was told, when ... */
	time_t refusal_told;	   /* ... this is not 0 */
	unsigned denials;	   /* in a row */
	time_t denied_since;
	unsigned long change; /* number of the latest change; 0: none yet */
};

struct backend_addresses;

/* Makes an entry for each distinct name among the targets of the routes. */
struct backend_addresses *backend_addresses_new(const struct settings *settings, struct error *err);
void backend_addresses_free(struct backend_addresses *table);

size_t backend_addresses_count(const struct backend_addresses *table);
/* In the order of their names. */
const struct backend_address *backend_addresses_at(const struct backend_addresses *table, size_t i);
/* NULL when no backend has that name (an address, for example). */
const struct backend_address *backend_addresses_find(const struct backend_addresses *table,
						     const char *name);

enum address_decision {
	ADDRESS_CHANGED = 1, /* there is another one, or none any more */
	ADDRESS_REFUSAL = 2, /* an answer was not believed, and the user should know */
};

/* The decisions that follow from an answer; 0 for a name that is not in the table. */
unsigned backend_addresses_take(struct backend_addresses *table, const struct dns_answer *answer,
				const struct allowed_networks *allowed, time_t now);
/* How many names have had no answer yet. */
size_t backend_addresses_unanswered(const struct backend_addresses *table);

/* Changes have numbers that grow.  The number of the latest one: */
unsigned long backend_addresses_changes(const struct backend_addresses *table);
/* The first entry whose latest change is after number `change`; NULL when there is none. */
const struct backend_address *backend_addresses_after(const struct backend_addresses *table,
						      unsigned long change);

/* "NAME ADDRESS SINCE" a line: what a restarted supervisor begins with while DNS is silent. */
void backend_addresses_save(const struct backend_addresses *table, struct buffer *text);
/* Lines that are not of that form, or not allowed, are passed over. */
void backend_addresses_load(struct backend_addresses *table, const char *text,
			    const struct allowed_networks *allowed);

#endif
