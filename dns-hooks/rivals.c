#include "dns-hooks/rivals.h"

#include "common/say.h"

/* The value that a change takes away from a TXT record, NULL for none. */
static const char *replaced_value(const struct change *change)
{
	return change->kind != CHANGE_ADD && change->before.type == RECORD_TXT
		   ? change->before.value
		   : NULL;
}

void rivals_warn(const struct journal *journal, struct plan *plan)
{
	for (size_t i = 0; i < plan->changes.count; i++) {
		const struct change *change = &plan->changes.items[i];
		const char *value = replaced_value(change);
		if (value != NULL && journal_was_replaced(journal, change->before.name, value))
			say_into(&plan->warnings,
				 "%s was replaced before and is back: two instances share this "
				 "name, each with an app id or a port of its own, and take "
				 "connections from each other; stop one, or give it another name",
				 value);
	}
}

void rivals_note(const struct journal *journal, const struct change_list *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const char *value = replaced_value(&changes->items[i]);
		if (value != NULL)
			journal_note_replaced(journal, changes->items[i].before.name, value);
	}
}
