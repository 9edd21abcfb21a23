/*
 * Whether the pin that SET_CAA keeps holds by what DNS answers, which is what CAs go by: a provider
 * may serve records of its own beside those that its API lists, and other records may stand
 * nearer to the name.
 */
#ifndef DNS_HOOKS_PIN_CHECK_H
#define DNS_HOOKS_PIN_CHECK_H

#include "common/error.h"
#include "dns-hooks/resolve/authority.h"

enum pin_verdict {
	PIN_HOLDS,
	PIN_UNSEEN, /* there are no records, or DNS cannot be asked: servers may be behind */
	PIN_BROKEN,
};

/* `why` is filled with PIN_BROKEN, and says what to do; with PIN_UNSEEN as far as it is known. */
enum pin_verdict pin_check(struct dns_view *view, const char *domain, const char *account_uri,
			   struct error *why);

#endif
