#include "dns-hooks/resolve/sightings.h"

#include <string.h>

const char *sight_text(enum sight sight)
{
	static const char *const texts[] = {"was not asked", "has it", "does not have it yet",
					    "refuses to answer for the zone", "does not answer"};

	return texts[sight];
}

static bool has_failed(enum sight sight)
{
	return sight == SIGHT_REFUSED || sight == SIGHT_SILENT;
}

void sightings_note(struct sightings *sightings, size_t server, enum sight sight)
{
	sightings->sights[server] = sight;
	sightings->failures[server] = has_failed(sight) ? sightings->failures[server] + 1 : 0;
}

bool sightings_is_given_up(const struct sightings *sightings, size_t server, bool is_last)
{
	enum sight sight = sightings->sights[server];

	if (!has_failed(sight))
		return false;
	/* An extra server counts only for what it answers. */
	return is_last || sightings->failures[server] >= sightings->patience ||
	       (sight == SIGHT_REFUSED && sightings->authority->servers[server].is_extra);
}

static bool is_same_server(const struct authority *authority, size_t a, size_t b)
{
	return strcmp(authority->servers[a].name, authority->servers[b].name) == 0;
}

bool sightings_is_seen_elsewhere(const struct sightings *sightings, size_t server)
{
	const struct authority *authority = sightings->authority;

	for (size_t other = 0; other < authority->count; other++)
		if (other != server && sightings->sights[other] == SIGHT_SEEN &&
		    is_same_server(authority, other, server))
			return true;
	return false;
}

static bool is_first_address(const struct authority *authority, size_t server)
{
	for (size_t other = 0; other < server; other++)
		if (is_same_server(authority, other, server))
			return false;
	return true;
}

struct sightings_tally sightings_count(const struct sightings *sightings)
{
	const struct authority *authority = sightings->authority;
	struct sightings_tally tally = {0};

	for (size_t i = 0; i < authority->count; i++) {
		if (authority->servers[i].is_extra || !is_first_address(authority, i))
			continue;
		tally.servers++;
		tally.seen +=
		    sightings->sights[i] == SIGHT_SEEN || sightings_is_seen_elsewhere(sightings, i);
	}
	return tally;
}

size_t sightings_lacking(const struct sightings *sightings)
{
	size_t lacking = 0;

	for (size_t i = 0; i < sightings->authority->count; i++)
		lacking += sightings->sights[i] != SIGHT_SEEN &&
			   !sightings_is_given_up(sightings, i, false);
	return lacking;
}

bool sightings_are_failures(const struct sightings *sightings)
{
	for (size_t i = 0; i < sightings->authority->count; i++)
		if (sightings->sights[i] == SIGHT_SEEN || sightings->sights[i] == SIGHT_MISSING)
			return false;
	return true;
}

static bool is_half(const struct sightings *sightings)
{
	struct sightings_tally tally = sightings_count(sightings);

	return tally.seen * 2 >= tally.servers;
}

bool sightings_is_due(const struct sightings *sightings, size_t server)
{
	if (sightings->sights[server] == SIGHT_SEEN)
		return false;
	if (!sightings_is_given_up(sightings, server, false))
		return true;
	/* It is asked once more only where nothing else is left to wait for. */
	return sightings_lacking(sightings) == 0 && !is_half(sightings);
}

bool sightings_suffice(const struct sightings *sightings, bool is_last)
{
	struct sightings_tally tally = sightings_count(sightings);

	for (size_t i = 0; i < sightings->authority->count; i++)
		if (sightings->sights[i] != SIGHT_SEEN &&
		    !sightings_is_given_up(sightings, i, is_last))
			return false;
	return tally.seen > 0 && (is_last || tally.seen * 2 >= tally.servers);
}
