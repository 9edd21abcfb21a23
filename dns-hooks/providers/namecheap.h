/*
 * Namecheap's API (https://www.namecheap.com/support/api/intro/); namecheap_api.h has the
 * variables.
 *
 * It has no command that changes one record: setHosts replaces the zone.  So every change reads
 * the zone, refuses when it differs from what the change was worked out from or holds what
 * setHosts would not put back, sends everything, reads again and compares.  The journal's lock
 * (journal_lock()) keeps processes of this volume from doing it at the same moment; between the
 * last read and the write nothing keeps others from it.
 */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class namecheap_class;

#endif
