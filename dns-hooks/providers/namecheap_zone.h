/*
 * A whole zone as Namecheap holds it, and what it becomes; pure, so that everything that could
 * lose a record can be tried without a server.  setHosts replaces the zone with what it is sent.
 *
 * Not part of it, and not touched by setHosts: SRV records, which Namecheap keeps in a list of
 * their own (getsrvrecords and setsrvrecords, which are not documented).
 */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_ZONE_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_ZONE_H

#include "common/buffer.h"
#include "common/domain.h"
#include "common/error.h"
#include "dns-hooks/providers/namecheap_host.h"
#include "dns-hooks/records/change.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	NAMECHEAP_HOSTS_MAX = 2000,
	NAMECHEAP_FORM_MAX = 4 * 1024 * 1024,
};

struct namecheap_zone {
	domain_name name;
	char *email_type; /* how the zone gets its mail; owned; NULL: the answer had none */
	bool is_served;	  /* IsUsingOurDNS */
	struct namecheap_host *hosts;
	size_t count;
	size_t capacity;
};

#define AUTO_NAMECHEAP_ZONE __attribute__((cleanup(namecheap_zone_free)))
void namecheap_zone_free(struct namecheap_zone *zone);
int namecheap_zone_copy(struct namecheap_zone *to, const struct namecheap_zone *from,
			struct error *err);

/* Moves `host` to the end of the zone, which owns it from here on (also after -1). */
int namecheap_zone_add(struct namecheap_zone *zone, struct namecheap_host *host, struct error *err);

/* Appends the records that stand exactly at `name` (whole, lower case). */
int namecheap_zone_records(const struct namecheap_zone *zone, const char *name,
			   struct record_list *records, struct error *err);

/* 0 when setHosts can put back everything that is there; -1 with a sentence about what it
 * cannot (EXIT_FAILED). */
int namecheap_zone_check(const struct namecheap_zone *zone, struct error *err);

/*
 * Makes the changes at `name`.  1 when what is to be changed or removed is not there (somebody
 * was faster); -1 when Namecheap would not serve the result: a CNAME beside other records or to a
 * name that begins with "_.", an address beside a redirect, quotes in a TXT record.  After
 * anything but 0 the zone is of no use.
 */
int namecheap_zone_edit(struct namecheap_zone *zone, const char *name,
			const struct change_list *changes, struct error *err);

/* Appends "&SLD=...&TLD=...": the first label of the name and the rest. */
int namecheap_zone_parameters(const char *zone_name, struct buffer *form, struct error *err);
/* Appends all parameters of setHosts: those, EmailType and every host. */
int namecheap_zone_form(const struct namecheap_zone *zone, struct buffer *form, struct error *err);

/* Sets is_paired in every host that has its like in the other zone, one to one
 * (namecheap_host_same). */
void namecheap_zone_pair(struct namecheap_zone *a, struct namecheap_zone *b);
bool namecheap_zone_same_email(const struct namecheap_zone *a, const struct namecheap_zone *b);
/* Pairs them: whether no host is left over, and EmailType is the same. */
bool namecheap_zone_same(struct namecheap_zone *a, struct namecheap_zone *b);

#endif
