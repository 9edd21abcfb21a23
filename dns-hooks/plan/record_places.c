#include "dns-hooks/plan/record_places.h"

#include <stdio.h>
#include <string.h>

static int too_long(const char *name, const char *remedy, struct error *err)
{
	return error_set(err, EXIT_BAD_CONFIG, "%s would be longer than %d characters; %s", name,
			 DOMAIN_MAX, remedy);
}

/* Without delegation. */
static int find_own(const struct settings *settings, const char *domain,
		    struct record_places *places, struct error *err)
{
	const char *base = domain_base(domain);
	char what[DOMAIN_MAX + 40];

	memcpy(places->alias, domain, strlen(domain) + 1);
	memcpy(places->caa, base, strlen(base) + 1);
	if (domain_txt_name(settings->txt_prefix, domain, places->txt) != 0) {
		snprintf(what, sizeof(what), "the name of the TXT record of %s", domain);
		return too_long(what, "shorten TXT_PREFIX", err);
	}
	if (domain_challenge_name(domain, places->challenge) == 0)
		return 0;
	snprintf(what, sizeof(what), "_acme-challenge.%s", base);
	return too_long(what, "no certificate can be had for it", err);
}

static int put_into_zone(const struct settings *settings, domain_name name, struct error *err)
{
	char longer[2 * DOMAIN_MAX + 8];
	int length =
	    snprintf(longer, sizeof(longer), "%s.%s", domain_base(name), settings->delegation_zone);

	if (length > DOMAIN_MAX)
		return too_long(longer, "DELEGATION_ZONE has to be shorter", err);
	memcpy(name, longer, (size_t)length + 1);
	return 0;
}

int record_places_find(const struct settings *settings, const char *domain,
		       struct record_places *places, struct error *err)
{
	if (find_own(settings, domain, places, err) != 0)
		return -1;
	if (!settings_delegates(settings, domain))
		return 0;
	return put_into_zone(settings, places->alias, err) != 0 ||
		       put_into_zone(settings, places->txt, err) != 0 ||
		       put_into_zone(settings, places->caa, err) != 0 ||
		       put_into_zone(settings, places->challenge, err) != 0
		   ? -1
		   : 0;
}

static int add(struct delegation_cname *cnames, int count, const char *name, const char *target,
	       const char *note)
{
	memcpy(cnames[count].name, name, strlen(name) + 1);
	memcpy(cnames[count].target, target, strlen(target) + 1);
	cnames[count].note = note;
	return count + 1;
}

int delegation_cnames(const struct settings *settings, const char *domain, unsigned kinds,
		      struct delegation_cname cnames[DELEGATION_CNAMES_MAX], struct error *err)
{
	struct record_places own, in_zone;
	int count = 0;

	if (!settings_delegates(settings, domain))
		return 0;
	if (find_own(settings, domain, &own, err) != 0 ||
	    record_places_find(settings, domain, &in_zone, err) != 0)
		return -1;
	if ((kinds & KIND_ALIAS) != 0)
		count = add(cnames, count, domain, in_zone.alias, "leads clients to the gateway");
	if ((kinds & KIND_ALIAS) != 0 && domain_is_wildcard(domain))
		count = add(cnames, count, own.caa, in_zone.caa, "leads CAs to the CAA records");
	if ((kinds & KIND_TXT) != 0)
		count = add(cnames, count, own.txt, in_zone.txt, "leads the gateway to the app");
	if ((kinds & KIND_ALIAS) != 0)
		count = add(cnames, count, own.challenge, in_zone.challenge,
			    "leads the CA to the challenge");
	return count;
}

int delegation_challenge_cname(const struct settings *settings, const char *domain,
			       struct delegation_cname *cname, struct error *err)
{
	struct delegation_cname all[DELEGATION_CNAMES_MAX];
	int count = delegation_cnames(settings, domain, KIND_ALIAS, all, err);

	if (count > 0)
		*cname = all[count - 1];
	return count > 0 ? 1 : count;
}
