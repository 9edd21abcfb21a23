#include "dns-hooks/providers/route53_batch.h"

#include "dns-hooks/providers/route53_text.h"

#include <stdlib.h>
#include <string.h>

static const char HEAD[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			   "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/"
			   "doc/2013-04-01/\"><ChangeBatch><Changes>";
static const char TAIL[] = "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";

/* What a batch is made from. */
struct work {
	const struct route53_sets *present;
	const char *name;
	const struct change_list *changes;
};

static bool is_foreign(const struct route53_set *set)
{
	return set != NULL && *set->foreign != '\0';
}

/* ---- what may not be written */

static int refuse(const struct work *work, const struct route53_set *set, const char *wanted,
		  struct error *err)
{
	return error_set(err, EXIT_FAILED,
			 "%s has %s records that are not ours to change (%s), so its %s record "
			 "cannot be written; remove them, or serve another name",
			 work->name, set->type, set->foreign, wanted);
}

static int check_addition(const struct work *work, const struct record *after, struct error *err)
{
	const struct route53_set *same = route53_sets_find(work->present, record_type_text(after));
	const struct route53_set *cname = route53_sets_find(work->present, "CNAME");

	if (is_foreign(same))
		return refuse(work, same, record_type_text(after), err);
	/* A plain one may be replaced by the same batch. */
	if (is_foreign(cname))
		return refuse(work, cname, record_type_text(after), err);
	if (after->type != RECORD_CNAME)
		return 0;
	for (size_t i = 0; i < work->present->count; i++)
		if (is_foreign(&work->present->items[i]))
			return refuse(work, &work->present->items[i], "CNAME", err);
	return 0;
}

static int check(const struct work *work, struct error *err)
{
	for (size_t i = 0; i < work->changes->count; i++) {
		const struct change *change = &work->changes->items[i];
		if (change->kind != CHANGE_REMOVE && check_addition(work, &change->after, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- what becomes of the set of one type */

struct outcome {
	const struct route53_set *before; /* NULL: none */
	struct route53_set after;	  /* owned; without values: none */
	bool is_changed;
};

static int is_removed(const struct work *work, const struct route53_set *set, size_t at,
		      struct error *err)
{
	AUTO_RECORD struct record record = {0};

	if (route53_record(set, work->name, set->values[at], &record, err) != 0)
		return -1;
	size_t removals = 0;
	for (size_t i = 0; i < work->changes->count; i++) {
		const struct change *change = &work->changes->items[i];
		removals += change->kind != CHANGE_ADD && record_same(&change->before, &record);
	}
	/* One value for each removal: two that are written differently may mean the same. */
	for (size_t i = 0; i < at && removals > 0; i++) {
		AUTO_RECORD struct record earlier = {0};
		if (route53_record(set, work->name, set->values[i], &earlier, err) != 0)
			return -1;
		removals -= record_same(&earlier, &record);
	}
	return removals > 0;
}

static int keep_values(const struct work *work, struct outcome *outcome, struct error *err)
{
	const struct route53_set *before = outcome->before;

	for (size_t i = 0; before != NULL && i < before->value_count; i++) {
		int removed = is_removed(work, before, i, err);
		if (removed < 0 ||
		    (removed == 0 &&
		     route53_set_add_value(&outcome->after, before->values[i], err) != 0))
			return -1;
		outcome->is_changed = outcome->is_changed || removed > 0;
	}
	return 0;
}

static int add_value(struct outcome *outcome, const struct record *record, struct error *err)
{
	struct buffer text;

	buffer_init(&text, 2 * RECORD_VALUE_MAX);
	if (record->type == RECORD_TXT)
		route53_write_txt(record->value, &text);
	else
		buffer_printf(&text, "%s%s", record->value,
			      record->type == RECORD_CNAME ? "." : "");
	int result = buffer_check(&text, "a value", err);
	if (result == 0)
		result = route53_set_add_value(&outcome->after, buffer_text(&text), err);
	buffer_free(&text);
	/* A record joins the TTL of its set. */
	if (outcome->before == NULL)
		outcome->after.ttl = record->ttl;
	outcome->is_changed = true;
	return result;
}

static int work_out(const struct work *work, enum record_type type, struct outcome *outcome,
		    struct error *err)
{
	const struct record example = {.type = type};
	const char *name = record_type_text(&example);

	outcome->before = route53_sets_find(work->present, name);
	if (is_foreign(outcome->before))
		return 0; /* check() has seen that nothing is wanted of it */
	memcpy(outcome->after.type, name, strlen(name) + 1);
	if (outcome->before != NULL)
		outcome->after.ttl = outcome->before->ttl;
	if (keep_values(work, outcome, err) != 0)
		return -1;
	for (size_t i = 0; i < work->changes->count; i++) {
		const struct change *change = &work->changes->items[i];
		if (change->kind != CHANGE_REMOVE && change->after.type == type &&
		    add_value(outcome, &change->after, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- writing it down */

static void write_change(const struct work *work, const char *action, const struct route53_set *set,
			 struct buffer *body)
{
	buffer_printf(body,
		      "<Change><Action>%s</Action><ResourceRecordSet><Name>%s.</Name>"
		      "<Type>%s</Type><TTL>%u</TTL><ResourceRecords>",
		      action, work->name, set->type, set->ttl);
	for (size_t i = 0; i < set->value_count; i++) {
		buffer_puts(body, "<ResourceRecord><Value>");
		route53_write_xml(set->values[i], body);
		buffer_puts(body, "</Value></ResourceRecord>");
	}
	buffer_puts(body, "</ResourceRecords></ResourceRecordSet></Change>");
}

static int write_all(const struct work *work, const struct outcome outcomes[RECORD_OTHER],
		     struct buffer *body, struct error *err)
{
	size_t before = body->length;

	for (int type = RECORD_A; type < RECORD_OTHER; type++)
		if (outcomes[type].is_changed && outcomes[type].before != NULL)
			write_change(work, "DELETE", outcomes[type].before, body);
	for (int type = RECORD_A; type < RECORD_OTHER; type++)
		if (outcomes[type].is_changed && outcomes[type].after.value_count > 0)
			write_change(work, "CREATE", &outcomes[type].after, body);
	bool is_empty = body->length == before;
	buffer_puts(body, TAIL);
	if (buffer_check(body, "the change", err) != 0)
		return -1;
	return is_empty ? 0 : 1;
}

int route53_batch(const struct route53_sets *present, const char *name,
		  const struct change_list *changes, struct buffer *body, struct error *err)
{
	const struct work work = {present, name, changes};
	struct outcome outcomes[RECORD_OTHER] = {0};
	int result = check(&work, err);

	for (int type = RECORD_A; type < RECORD_OTHER && result == 0; type++)
		result = work_out(&work, (enum record_type)type, &outcomes[type], err);
	if (result == 0) {
		buffer_puts(body, HEAD);
		result = write_all(&work, outcomes, body, err);
	}
	for (int type = RECORD_A; type < RECORD_OTHER; type++)
		route53_set_free(&outcomes[type].after);
	return result;
}
