#include "dns-hooks/challenge/cname_trust.h"

#include "dns-hooks/records/dns_name.h"

#include <string.h>

static const char CHALLENGE_LABEL[] = "_acme-challenge.";

static bool is_listed(const struct settings *settings, const char *alias)
{
	for (size_t i = 0; i < settings->challenge_target_count; i++)
		if (dns_name_within(alias, settings->challenge_targets[i]))
			return true;
	return false;
}

static int refuse(const char *name, const char *alias, const char *why, struct error *err)
{
	return error_set(err, EXIT_FAILED,
			 "%s is a CNAME to %s, which is not followed: that name does not begin "
			 "with _acme-challenge. and %s; if the challenge is meant to be answered "
			 "there, set CHALLENGE_TARGETS=%s",
			 name, alias, why, alias);
}

/* The CNAME that the provider shows at `name`, of whatever kind (Route 53 has weighted ones). */
static const struct record *find_cname(const struct record_list *records)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(record_type_text(&records->items[i]), "CNAME") == 0)
			return &records->items[i];
	return NULL;
}

static int compare(const struct provider *provider, const struct zone *held, const char *name,
		   const char *alias, const char *zone, struct error *err)
{
	AUTO_RECORDS struct record_list records = {0};

	if (provider->class->list(provider->state, held, name, &records, err) != 0)
		return error_wrap(err,
				  "%s is a CNAME to %s, and the provider cannot tell whether that "
				  "is true",
				  name, alias);
	const struct record *cname = find_cname(&records);
	if (cname == NULL && strcmp(held->name, zone) == 0)
		return 0;
	if (cname == NULL)
		return refuse(name, alias,
			      "the credentials reach another zone than the one it is in", err);
	if (cname->type != RECORD_CNAME)
		return refuse(name, alias, "the provider shows a CNAME of more than one target",
			      err);
	if (strcmp(cname->value, alias) == 0)
		return 1;
	return error_set(err, EXIT_TRY_LATER,
			 "%s is a CNAME to %s by DNS, but to %s by %s: it is not followed while "
			 "they differ",
			 name, alias, cname->value, provider->class->name);
}

int cname_shown(const struct provider *provider, const struct zone *zone, const char *name,
		domain_name alias, struct error *err)
{
	AUTO_RECORDS struct record_list records = {0};

	*alias = '\0';
	if (provider->class->list(provider->state, zone, name, &records, err) != 0)
		return error_wrap(err, "cannot read the records of %s", name);
	const struct record *cname = find_cname(&records);
	if (cname == NULL ||
	    (cname->type == RECORD_CNAME && dns_name_normal(cname->value, alias) == 0))
		return 0;
	return error_set(err, EXIT_FAILED, "%s is a CNAME of more than one target", name);
}

int cname_judge(const struct settings *settings, const struct provider *provider, const char *name,
		const char *alias, const char *zone, struct error *err)
{
	domain_name host;
	struct zone held;

	if (domain_parse_host(alias, strlen(alias), host) != DOMAIN_VALID)
		return error_set(err, EXIT_FAILED,
				 "%s is a CNAME to \"%s\", where no challenge can be answered",
				 name, alias);
	if (strncmp(alias, CHALLENGE_LABEL, strlen(CHALLENGE_LABEL)) == 0 ||
	    is_listed(settings, alias))
		return 1;
	if (provider->class->list == NULL)
		return refuse(name, alias, "this provider cannot tell whether the CNAME is true",
			      err);
	if (provider_zone(provider, name, zone, &held, err) == 0)
		return compare(provider, &held, name, alias, zone, err);
	/* Any other exit code: the provider could not be asked. */
	return err->code == EXIT_FAILED
		   ? refuse(name, alias, "the credentials do not reach the zone of the CNAME", err)
		   : -1;
}
