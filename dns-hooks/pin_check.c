#include "dns-hooks/pin_check.h"

#include "dns-hooks/caa/caa_search.h"

enum { BUDGET_MS = 10000 };

enum pin_verdict pin_check(struct dns_view *view, const char *domain, const char *account_uri,
			   struct error *why)
{
	const char *at = "";

	switch (caa_search_binding(view, domain, account_uri, BUDGET_MS, &at, why)) {
	case CAA_BOUND:
		return PIN_HOLDS;
	case CAA_OPEN:
		error_set(why, EXIT_FAILED,
			  "SET_CAA is true, but the pin of %s does not hold by what DNS answers: "
			  "%s; remove that record (one that the provider's API does not list is of "
			  "its own making, as Cloudflare's for its own certificates are)",
			  domain, why->text);
		return PIN_BROKEN;
	case CAA_ABSENT:
		error_set(why, EXIT_FAILED, "DNS shows no CAA records for %s", domain);
		return PIN_UNSEEN;
	case CAA_UNKNOWN:
		break;
	}
	return PIN_UNSEEN;
}
