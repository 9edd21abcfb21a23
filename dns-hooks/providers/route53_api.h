/* Calls of Route 53: whole listings, and changes. */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_API_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_API_H

#include "common/error.h"
#include "dns-hooks/providers/route53_answer.h"

#include <stdbool.h>

struct route53_api;

/* Reads the credentials' and the API's variables; no traffic.  NULL with err. */
struct route53_api *route53_api_new(struct error *err);
void route53_api_free(struct route53_api *api);

/* Every zone of that name.  Only when this returns 0 are `zones` all there are. */
int route53_api_zones(struct route53_api *api, const char *name, struct route53_zones *zones,
		      struct error *err);

/* As route53_is_served_by(), of the zone with that id. */
int route53_api_is_served_by(struct route53_api *api, const char *zone_id,
			     const domain_name *servers, size_t count, struct error *err);

/* Every set at that name, likewise; `sets` is empty before, and freed by the caller in any
 * case. */
int route53_api_sets(struct route53_api *api, const char *zone_id, const char *name,
		     struct route53_sets *sets, struct error *err);

/*
 * Sends a change batch.  0 with the change's id; -1, and with `refused` if it was the batch that
 * was not accepted: nothing is changed then, unless an earlier attempt of the same call was
 * carried out and its answer lost.
 */
int route53_api_change(struct route53_api *api, const char *zone_id, const char *body,
		       char change_id[ROUTE53_CHANGE_ID_MAX], bool *refused, struct error *err);

/* Whether a change has reached all of Route 53's servers. */
int route53_api_in_sync(struct route53_api *api, const char *change_id, bool *in_sync,
			struct error *err);

#endif
