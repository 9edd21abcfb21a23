/*
 * One record of a zone at Namecheap, with the text that getHosts gave: setHosts deletes what it is
 * not sent, so a host goes back as it came, whatever its type; hosts of types that nobody here
 * knows are no exception.  What getHosts tells and setHosts has no parameter for is an obstacle.
 *
 *   https://www.namecheap.com/support/api/methods/domains-dns/get-hosts/
 *   https://www.namecheap.com/support/api/methods/domains-dns/set-hosts/
 */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_HOST_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_HOST_H

#include "common/buffer.h"
#include "common/error.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>

enum {
	NAMECHEAP_TTL_MIN = 60,
	NAMECHEAP_TTL_MAX = 60000,
	NAMECHEAP_HOST_TEXT_MAX = 300,
	NAMECHEAP_OBSTACLE_MAX = 200,
};

/* All texts are owned. */
struct namecheap_host {
	char *id;	  /* a new one after every write; "" for none */
	char *name;	  /* "@", or relative to the zone */
	char *type;	  /* "A", "URL301", ... */
	char *address;	  /* the value */
	char *mx_pref;	  /* NULL: it had none */
	char *ttl;	  /* NULL: it had none */
	char *odd;	  /* the name of an attribute that cannot be sent back, or NULL */
	bool is_dynamic;  /* IsDDNSEnabled */
	bool is_inactive; /* IsActive is there and not true */
	bool is_ours;	  /* made or changed here (namecheap_zone_edit) */
	bool is_paired;	  /* namecheap_zone_pair */
};

void namecheap_host_free(struct namecheap_host *host);
int namecheap_host_copy(struct namecheap_host *to, const struct namecheap_host *from,
			struct error *err);

/* Makes a host of `zone` from one of our records (what namecheap_host_set() makes of it). */
int namecheap_host_make(struct namecheap_host *host, const char *zone, const struct record *record,
			struct error *err);
/* Gives `host` the type, value and TTL of one of our records; the rest stays. */
int namecheap_host_set(struct namecheap_host *host, const struct record *record, struct error *err);

/* Whether it stands exactly at `name` (whole, lower case). */
bool namecheap_host_is_at(const struct namecheap_host *host, const char *zone, const char *name);

/* Fills `record` (which owns nothing yet); types that are not ours become RECORD_OTHER. */
int namecheap_host_record(const struct namecheap_host *host, const char *name,
			  struct record *record, struct error *err);

/*
 * Whether both mean the same: name, type, value and TTL, and for mail the preference.  A dot at
 * the end of a target and the two ways to say "automatic" (1799 and 1800 seconds) do not matter.
 */
bool namecheap_host_same(const struct namecheap_host *a, const struct namecheap_host *b);

/* Whether setHosts would make something else of it, and a sentence part that says why
 * ("is a dynamic DNS host, ..."). */
bool namecheap_host_has_obstacle(const struct namecheap_host *host,
				 char why[NAMECHEAP_OBSTACLE_MAX]);

/* "www A 192.0.2.1 (TTL 1799)", for messages; what is too long is cut. */
void namecheap_host_text(const struct namecheap_host *host, char text[NAMECHEAP_HOST_TEXT_MAX]);

#endif
