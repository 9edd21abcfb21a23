/*
 * What a DNS provider is to the rest of this program.  A provider's file (rfc2136.c,
 * cloudflare.c, ...) fills a `struct provider_class`, which provider_table.c lists; no other file
 * knows which providers there are.
 *
 * The unit of writing is a list of changes at one name, since that is what every kind of API
 * can do without harm:
 *
 *   records with ids (Cloudflare, Linode)   one call per change, in order
 *   record sets (Route 53)                  read the sets, merge, one atomic batch
 *   whole zones (Namecheap)                 read, edit, write, read again, compare
 *   RFC 2136                                one UPDATE with prerequisites
 *   a program (exec)                        one run per TXT value; it cannot list
 *
 * Rules for an implementation, whatever the API offers:
 *
 *   - A read that failed, was cut short or cannot be understood is an error, never an empty
 *     list, and nothing is written after it.
 *   - Values are added to what is there and taken from it; what is not in the change list
 *     survives, whatever type it is of.
 *   - Adding what is there and removing what is gone succeed.
 *   - Every call has a deadline, every answer a maximum, every retry a budget.
 *
 * Errors: EXIT_BAD_CONFIG credentials refused or missing, EXIT_UNREACHABLE no usable answer,
 * EXIT_TRY_LATER told to wait (err->retry_after) or a time-out, EXIT_FAILED the provider
 * understood and said no.  The text names the provider, the call and the provider's words.
 */
#ifndef DNS_HOOKS_PROVIDERS_PROVIDER_H
#define DNS_HOOKS_PROVIDERS_PROVIDER_H

#include "common/deadline.h"
#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/records/change.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>

enum { ZONE_ID_MAX = 128 };

struct zone {
	domain_name name;
	char id[ZONE_ID_MAX]; /* the provider's, "" where it has none */
};

/* What change() returns besides 0 and -1: the name no longer holds what was read, and has to be
 * read again. */
enum { PROVIDER_CHANGED_MEANWHILE = 1 };

struct provider_class {
	const char *name; /* as in DNS_PROVIDER */

	unsigned challenge_ttl;	  /* seconds; the least the provider takes: it is waited for */
	unsigned record_ttl;	  /* of the records that stay */
	long propagation_timeout; /* seconds, when PROPAGATION_TIMEOUT is unset */

	/* Whether a CNAME may stand beside other types and at the apex of a zone (Cloudflare);
	 * otherwise addresses are published in such places. */
	bool cname_beside_others;
	/* What list() shows may be older than what was written (a secondary that forwards updates),
	 * and removing a value that is not there is harmless: it is removed even if it is not
	 * shown. */
	bool removes_unseen;
	/* Between the parts of a CAA value: "; ", or ";" where white space is refused. */
	const char *caa_separator;

	/* Reads the credentials and makes the provider's state, which close() frees.  No
	 * traffic.  NULL with err. */
	void *(*open)(const struct settings *settings, struct error *err);
	void (*close)(void *state);

	/*
	 * The longest zone of the account that holds `name`.  1 found, 0 none, -1.  The same
	 * name twice (two accounts, a private and a public zone) is an error if the API does
	 * not tell which one the world sees.  NULL for a provider that cannot tell: the zone
	 * is then the one that DNS delegates.
	 */
	int (*find_zone)(void *state, const char *name, struct zone *zone, struct error *err);

	/*
	 * Every record that stands exactly at `name`, of every type, in the form of record.h;
	 * nothing that a wildcard makes up.  NULL for a provider that cannot tell.
	 */
	int (*list)(void *state, const struct zone *zone, const char *name,
		    struct record_list *records, struct error *err);

	/*
	 * Makes the changes at `name`, whose records were `present` when they were worked out.
	 * 0, -1 or PROVIDER_CHANGED_MEANWHILE.  TTLs of additions are wishes: an API may round
	 * them up, and a record joins the TTL of its set.
	 */
	int (*change)(void *state, const struct zone *zone, const char *name,
		      const struct record_list *present, const struct change_list *changes,
		      struct error *err);

	/*
	 * Whether change() would refuse these changes for what list() has just shown at `name`:
	 * -1 with the same sentence.  No traffic.  NULL where nothing is refused by that alone.
	 */
	int (*check)(void *state, const struct zone *zone, const char *name,
		     const struct change_list *changes, struct error *err);

	/* Waits until the provider says that its servers have what change() wrote (Route 53's
	 * INSYNC).  NULL where there is no such signal. */
	int (*wait_done)(void *state, deadline limit, struct error *err);
};

struct provider {
	const struct provider_class *class;
	void *state;
};

/* Ends what provider_open() (provider_table.h) began. */
void provider_close(struct provider *provider);

enum { PROVIDER_NO_ZONE = -2 };

/* find_zone(), where none is an error (PROVIDER_NO_ZONE) that names the provider and what is
 * missing. `delegated` is the zone to take for a provider that cannot tell. */
int provider_zone(const struct provider *provider, const char *name, const char *delegated,
		  struct zone *zone, struct error *err);

/*
 * Adds one value, or takes it away, whatever else stands at the name.  1 when something was
 * written, 0 when it was there (gone) already, -1.  `others_ttl` (may be NULL) receives the
 * longest TTL among the other values of that type, `own_ttl` (may be NULL) that of the value
 * taken away, as the provider shows it: 0 if there is none, or none can be read.
 */
int provider_add(const struct provider *provider, const struct zone *zone,
		 const struct record *record, unsigned *others_ttl, struct error *err);
int provider_remove(const struct provider *provider, const struct zone *zone,
		    const struct record *record, unsigned *own_ttl, struct error *err);

/* After as many PROVIDER_CHANGED_MEANWHILE as are borne: -1, with what the last of them left in
 * err, if anything, as the other explanation. */
int provider_overtaken(const char *name, enum exit_code code, struct error *err);

#endif
