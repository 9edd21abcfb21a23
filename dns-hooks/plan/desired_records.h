/* Which records the settings ask for, name by name; pure. */
#ifndef DNS_HOOKS_PLAN_DESIRED_RECORDS_H
#define DNS_HOOKS_PLAN_DESIRED_RECORDS_H

#include "common/domain.h"
#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/plan/record_places.h"

#include <stdbool.h>
#include <stddef.h>

enum caa_wish {
	CAA_WISH_NONE,	 /* not our matter */
	CAA_WISH_PIN,	 /* our CA, our account, dns-01 */
	CAA_WISH_NOBODY, /* no CA at all */
};

/* One name and what has to stand there. */
struct desired_records {
	domain_name name;
	domain_name base; /* of the domain that the records are for, delegated or not */
	bool alias, txt;
	/* Of ALIAS_DOMAIN, which other apps have too: their values stay, and where the name itself
	 * leads is not for one of them to say. */
	bool is_shared;
	enum caa_wish issue, issuewild; /* both none: CAA records are not looked at */
	bool caa_stands; /* a CAA record has to stand here, be it part of this run or not */
};

struct desired_list {
	struct desired_records *items; /* unique by name */
	size_t count;
	size_t capacity;
};

void desired_list_free(struct desired_list *list);

/*
 * `chosen` are `chosen_count` of the configured domains (0: all of them).  CAA wishes follow
 * from all configured domains that share a base, chosen or not; there are none unless
 * SET_CAA.
 *
 * For ALIAS_DOMAIN there is no alias.
 *
 * A wildcard is pinned by issuewild, which says nothing about the base itself and the names
 * below it (RFC 8659 section 4.3): any CA could issue for those.  So `issue` is set too: to
 * the same pin when the base or a name below it is served here as well, otherwise to nobody.
 */
int desired_list_build(const struct settings *settings, const char *const *chosen,
		       size_t chosen_count, unsigned kinds, struct desired_list *list,
		       struct error *err);

#endif
