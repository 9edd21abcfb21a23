/* UPDATE messages (RFC 2136): changes at one name as one transaction, guarded by what was read. */
#ifndef DNS_HOOKS_PROVIDERS_RFC2136_UPDATE_H
#define DNS_HOOKS_PROVIDERS_RFC2136_UPDATE_H

#include "dns-hooks/providers/tsig_server.h"
#include "dns-hooks/records/change.h"

/* Whether any record stands exactly at `name`: 1, 0 or -1.  Asked by a prerequisite without
 * an update, the one question that wildcards do not answer. */
int rfc2136_name_exists(struct tsig_server *server, const char *zone, const char *name,
			struct error *err);

/* 0, -1, or PROVIDER_CHANGED_MEANWHILE; see provider.h. */
int rfc2136_update(struct tsig_server *server, const char *zone, const char *name,
		   const struct record_list *present, const struct change_list *changes,
		   struct error *err);

#endif
