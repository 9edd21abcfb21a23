#include "dns-hooks/providers/namecheap_outcome.h"

#include "common/log.h"

#include <stdio.h>
#include <string.h>

static size_t count_lost(const struct namecheap_zone *sent, bool is_ours)
{
	size_t lost = 0;

	for (size_t i = 0; i < sent->count; i++)
		lost += !sent->hosts[i].is_paired && sent->hosts[i].is_ours == is_ours;
	return lost;
}

/* Whether something at `name` that we took out is there again. */
static bool has_come_back(const struct namecheap_zone *before, const struct namecheap_zone *found,
			  const char *name)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct namecheap_host *host = &found->hosts[i];
		if (host->is_paired || !namecheap_host_is_at(host, found->name, name))
			continue;
		for (size_t j = 0; j < before->count; j++)
			if (namecheap_host_same(&before->hosts[j], host))
				return true;
	}
	return false;
}

enum namecheap_outcome namecheap_outcome_of(struct namecheap_zone *before,
					    struct namecheap_zone *sent,
					    struct namecheap_zone *found, const char *name)
{
	bool is_untouched = namecheap_zone_same(before, found);

	namecheap_zone_pair(sent, found);
	if (is_untouched)
		return NAMECHEAP_UNTOUCHED;
	if (count_lost(sent, false) > 0 || !namecheap_zone_same_email(sent, found))
		return NAMECHEAP_DAMAGED;
	if (count_lost(sent, true) > 0 || has_come_back(before, found, name))
		return NAMECHEAP_OVERTAKEN;
	return NAMECHEAP_WRITTEN;
}

int namecheap_tell_damage(const struct namecheap_zone *sent, const struct namecheap_zone *found,
			  const char *name, struct error *err)
{
	size_t lost = count_lost(sent, false);
	char first[NAMECHEAP_HOST_TEXT_MAX] = "", email[80] = "";

	for (size_t i = 0; i < sent->count; i++) {
		const struct namecheap_host *host = &sent->hosts[i];
		if (host->is_paired || host->is_ours)
			continue;
		/* Whole, and not as in other messages: it is to be entered again. */
		log_error("Namecheap: the zone %s has lost: %s %s %s (MXPref %s, TTL %s)",
			  sent->name, host->name, host->type, host->address,
			  host->mx_pref == NULL ? "none" : host->mx_pref,
			  host->ttl == NULL ? "none" : host->ttl);
		if (*first == '\0')
			namecheap_host_text(host, first);
	}
	if (!namecheap_zone_same_email(sent, found))
		snprintf(email, sizeof(email), "its EmailType is %.20s instead of %.20s",
			 found->email_type == NULL ? "not told" : found->email_type,
			 sent->email_type == NULL ? "not told" : sent->email_type);
	if (lost > 0)
		error_set(
		    err, EXIT_TRY_LATER,
		    "%zu records of the zone %s were sent and are not there now, such as '%s' (the "
		    "log has all of them)%s%s",
		    lost, sent->name, first, *email == '\0' ? "" : ", and ", email);
	else
		error_set(err, EXIT_TRY_LATER, "the zone %s has changed: %s", sent->name, email);
	return error_wrap(
	    err,
	    "Namecheap: while %s was changed somebody else wrote the zone, or Namecheap "
	    "dropped what it was sent; nothing is written again, please check the zone",
	    name);
}
