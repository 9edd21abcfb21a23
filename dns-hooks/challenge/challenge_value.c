#include "dns-hooks/challenge/challenge_value.h"

#include "common/file.h"
#include "common/log.h"

#include <string.h>

/*
 * Whether the value is known not to be there after adding it was refused.  A "no" may be the
 * answer to the repetition of a write that was done and whose answer was lost, or come from
 * something in between, so the records are looked at.
 */
static bool is_surely_absent(const struct provider *provider, const struct zone *zone,
			     const struct record *record, const struct error *refusal)
{
	AUTO_RECORDS struct record_list present = {0};
	struct error err = ERROR_INIT;

	if (refusal->code != EXIT_FAILED && refusal->code != EXIT_BAD_CONFIG)
		return false;
	if (provider->class->list == NULL)
		return true;
	return provider->class->list(provider->state, zone, record->name, &present, &err) == 0 &&
	       record_list_find(&present, record) == NULL;
}

int challenge_put_in(const struct provider *provider, const struct journal *journal,
		     const struct challenge_note *note, const struct zone *zone, unsigned *settle,
		     struct error *err)
{
	struct error second = ERROR_INIT;
	AUTO_RECORD struct record record = {0};
	AUTO_CLOSE int turn = journal_lock(journal, err);
	unsigned others_ttl = 0;

	if (turn < 0 ||
	    record_make(&record, note->name, RECORD_TXT, note->ttl, note->value, err) != 0 ||
	    journal_note(journal, note, err) != 0)
		return -1;
	*settle = journal_seconds_cached(journal, note->name);
	int added = provider_add(provider, zone, &record, &others_ttl, err);
	if (others_ttl > *settle)
		*settle = others_ttl;
	if (added != 0)
		journal_note_write(journal, provider->class->name, zone->name, added > 0);
	if (added >= 0) {
		log_info("%s: challenge value %s %s", note->name, note->value,
			 added > 0 ? "added" : "is there already");
		return added;
	}
	if (is_surely_absent(provider, zone, &record, err) &&
	    journal_forget(journal, note, &second) != 0)
		log_warn("%s", second.text);
	return -1;
}

int challenge_take_out(const struct provider *provider, const struct journal *journal,
		       const struct challenge_note *note, bool was_served, struct error *err)
{
	AUTO_RECORD struct record record = {0};
	AUTO_CLOSE int turn = -1;
	unsigned ttl = 0;
	struct zone zone;

	if (strcmp(note->provider, provider->class->name) != 0)
		return error_set(err, EXIT_BAD_CONFIG,
				 "the challenge value at %s was added through %s; set DNS_PROVIDER "
				 "to it to have it removed, or remove it by hand",
				 note->name, note->provider);
	if (record_make(&record, note->name, RECORD_TXT, note->ttl, note->value, err) != 0)
		return -1;
	turn = journal_lock(journal, err);
	if (turn < 0 || provider_zone(provider, note->name, note->zone, &zone, err) != 0)
		return -1;
	int removed = provider_remove(provider, &zone, &record, &ttl, err);
	/* The TTL that the value was served with, if the provider tells it: the note has the TTL
	 * that was asked for. */
	if (ttl == 0)
		ttl = note->ttl;
	if (removed < 0 || (was_served && journal_note_gone(journal, note->name, ttl, err) != 0))
		return -1;
	log_info("%s: challenge value %s %s", note->name, note->value,
		 removed > 0 ? "removed" : "is gone already");
	return journal_forget(journal, note, err);
}
