#include "dns-hooks/operator/operator_judge.h"

#include "dns-hooks/plan/plan_make.h"

#include <string.h>

enum { SHOWN = 120 };

bool operator_is_exact_cname(const struct operator_record *record)
{
	return record->exact && record->wanted.type == RECORD_CNAME;
}

/* Tells what stands there, for somebody who wanted another thing. */
static enum operator_verdict unmet(const struct operator_record *record,
				   const struct operator_sight *sight, struct error *why)
{
	const char *name = record->wanted.name;
	const struct record_list *seen = &sight->records;

	if (sight->hops > 0 && (seen->count == 0 || record->wanted.type == RECORD_CNAME))
		error_set(why, EXIT_TRY_LATER, "%s is a CNAME to %s", name, sight->chain[0]);
	else if (seen->count == 0)
		error_set(why, EXIT_TRY_LATER, "%s has no %s record", name,
			  record_type_text(&record->wanted));
	else
		error_set(why, EXIT_TRY_LATER, "%s has %s %.*s%s", name,
			  record_type_text(&seen->items[0]), SHOWN, seen->items[0].value,
			  seen->count > 1 ? ", and others" : "");
	return OPERATOR_UNMET;
}

/* Same type and value, wherever they stand. */
static bool is_like(const struct record *seen, const struct record *wanted)
{
	struct record moved = *seen; /* borrows the value */

	memcpy(moved.name, wanted->name, sizeof(moved.name));
	return record_same(&moved, wanted);
}

static bool has_like(const struct record_list *list, const struct record *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_like(&list->items[i], wanted))
			return true;
	return false;
}

static bool has_another_app(const struct record_list *list, const struct record *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (plan_is_app_address(list->items[i].value) && !is_like(&list->items[i], wanted))
			return true;
	return false;
}

static bool is_alias_met(const struct operator_record *record, const struct operator_sight *sight,
			 const struct record_list *target)
{
	const char *wanted = record->wanted.value;

	if (record->exact)
		return sight->hops > 0 && strcmp(sight->chain[0], wanted) == 0;
	for (size_t i = 0; i < sight->hops; i++)
		if (strcmp(sight->chain[i], wanted) == 0)
			return true;
	for (size_t i = 0; i < sight->records.count; i++)
		if (!has_like(target, &sight->records.items[i]))
			return false;
	return sight->records.count > 0;
}

static bool is_met(const struct operator_record *record, const struct operator_sight *sight,
		   const struct record_list *target)
{
	const struct record_list *seen = &sight->records;

	switch (record->wanted.type) {
	case RECORD_CNAME:
		return is_alias_met(record, sight, target);
	case RECORD_TXT:
		return has_like(seen, &record->wanted) &&
		       (!record->exact || !has_another_app(seen, &record->wanted));
	default:
		return has_like(seen, &record->wanted);
	}
}

enum operator_verdict operator_judge(const struct operator_record *record,
				     const struct operator_sight *sight,
				     const struct record_list *target, struct error *why)
{
	return is_met(record, sight, target) ? OPERATOR_MET : unmet(record, sight, why);
}
