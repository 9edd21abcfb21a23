/*
 * A list of changes at one name, for an API that has an id for each record and takes one call
 * for each change (Cloudflare, Linode).
 */
#ifndef DNS_HOOKS_PROVIDERS_RECORD_BY_ID_H
#define DNS_HOOKS_PROVIDERS_RECORD_BY_ID_H

#include "dns-hooks/providers/provider.h"
#include "dns-hooks/records/change.h"

/*
 * The calls; each returns 0, -1 with err, or PROVIDER_CHANGED_MEANWHILE.  create() succeeds when
 * the record is there already and delete() when it is gone; update() changes `before`, whose id
 * is known, to a value of the same type.
 */
struct record_calls {
	int (*create)(void *state, const struct zone *zone, const struct record *record,
		      struct error *err);
	int (*update)(void *state, const struct zone *zone, const struct record *before,
		      const struct record *after, struct error *err);
	int (*delete)(void *state, const struct zone *zone, const struct record *record,
		      struct error *err);
};

/*
 * As provider_class.change().
 *
 * The type of a record is fixed, and a CNAME cannot be made beside the addresses it replaces (nor
 * they beside it): there is a moment without either.  When the new record is refused, it and all
 * that was removed earlier in the list to make room for it come back.
 */
int record_by_id_change(const struct record_calls *calls, void *state, const struct zone *zone,
			const struct change_list *changes, struct error *err);

#endif
