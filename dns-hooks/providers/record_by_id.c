#include "dns-hooks/providers/record_by_id.h"

struct run {
	const struct record_calls *calls;
	void *state;
	const struct zone *zone;
	const struct change_list *changes;
};

/* Creates again what the changes before `end` deleted, the last first.  `err` is why. */
static void restore(const struct run *run, size_t end, struct error *err)
{
	for (size_t i = end; i-- > 0;) {
		const struct change *change = &run->changes->items[i];
		const struct record *before = &change->before;
		struct error second = ERROR_INIT;
		if (change->kind != CHANGE_REMOVE &&
		    (change->kind != CHANGE_UPDATE || before->type == change->after.type))
			continue;
		if (run->calls->create(run->state, run->zone, before, &second) != 0)
			error_wrap(err,
				   "the record %s %s of %s is deleted, and could not be restored "
				   "(%s)",
				   record_type_text(before), before->value, before->name,
				   second.text);
	}
}

/* Of one type by another. */
static int replace(const struct run *run, size_t i, struct error *err)
{
	const struct change *change = &run->changes->items[i];
	int result = run->calls->delete (run->state, run->zone, &change->before, err);

	if (result != 0)
		return result;
	result = run->calls->create(run->state, run->zone, &change->after, err);
	if (result != 0)
		restore(run, i + 1, err);
	return result;
}

static int make_change(const struct run *run, size_t i, struct error *err)
{
	const struct change *change = &run->changes->items[i];
	const struct record_calls *calls = run->calls;

	switch (change->kind) {
	case CHANGE_ADD:
		return calls->create(run->state, run->zone, &change->after, err);
	case CHANGE_REMOVE:
		return calls->delete (run->state, run->zone, &change->before, err);
	case CHANGE_UPDATE:
		break;
	}
	if (change->before.type != change->after.type)
		return replace(run, i, err);
	return calls->update(run->state, run->zone, &change->before, &change->after, err);
}

int record_by_id_change(const struct record_calls *calls, void *state, const struct zone *zone,
			const struct change_list *changes, struct error *err)
{
	const struct run run = {calls, state, zone, changes};

	for (size_t i = 0; i < changes->count; i++) {
		int result = make_change(&run, i, err);
		if (result != 0)
			return result;
	}
	return 0;
}
