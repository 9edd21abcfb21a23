#include "dns-hooks/plan/plan_make.h"

#include "common/say.h"
#include "dns-hooks/plan/plan_caa.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- alias */

static bool is_alias_type(const struct record *record)
{
	return record->type == RECORD_A || record->type == RECORD_AAAA ||
	       record->type == RECORD_CNAME;
}

const char *plan_why_addresses(const struct desired_records *desired, const char *zone,
			       const struct record_list *present, const struct plan_rules *rules)
{
	if (rules->cname_beside_others)
		return NULL;
	if (strcmp(desired->name, zone) == 0)
		return "a CNAME cannot stand at the apex of a zone";
	if (desired->caa_stands)
		return "a CAA record has to stand there, and a CNAME allows none beside it";
	for (size_t i = 0; i < present->count; i++)
		if (!is_alias_type(&present->items[i]))
			return "a CNAME cannot stand beside the other records there";
	return NULL;
}

/* Refuses a name at which NS records delegate a zone to others.  At the apex of a zone NS
 * records belong. */
static int refuse_delegated(const struct desired_records *desired, const char *zone,
			    const struct record_list *present, struct error *err)
{
	bool has_ns = false;

	for (size_t i = 0; i < present->count; i++)
		has_ns = has_ns || strcmp(present->items[i].other_type, "NS") == 0;
	if (!has_ns || strcmp(desired->name, zone) == 0)
		return 0;
	return error_set(err, EXIT_FAILED,
			 "%s is delegated to other name servers (it has NS records), so records "
			 "made here would not be seen",
			 desired->name);
}

static int wanted_aliases(const struct desired_records *desired,
			  const struct record_list *addresses, const struct plan_rules *rules,
			  struct record_list *wanted, struct error *err)
{
	struct record record;

	if (addresses == NULL)
		return record_make(&record, desired->name, RECORD_CNAME, rules->record_ttl,
				   rules->gateway, err) != 0
			   ? -1
			   : record_list_add(wanted, &record, err);
	for (size_t i = 0; i < addresses->count; i++)
		if (record_make(&record, desired->name, addresses->items[i].type, rules->record_ttl,
				addresses->items[i].value, err) != 0 ||
		    record_list_add(wanted, &record, err) != 0)
			return -1;
	return 0;
}

/* Marks what stands there as it should, on both sides. */
static void match(const struct record_list *present, const struct record_list *wanted,
		  bool *is_kept, bool *is_there)
{
	for (size_t p = 0; p < present->count; p++)
		for (size_t w = 0; w < wanted->count; w++)
			if (!is_there[w] && !present->items[p].proxied &&
			    record_same(&present->items[p], &wanted->items[w])) {
				is_kept[p] = is_there[w] = true;
				break;
			}
}

/* The next alias record that has to go, preferably one of `type`; -1 when there is none. */
static ssize_t next_surplus(const struct record_list *present, const bool *is_kept,
			    enum record_type type)
{
	ssize_t any = -1;

	for (size_t i = 0; i < present->count; i++) {
		if (is_kept[i] || !is_alias_type(&present->items[i]))
			continue;
		if (present->items[i].type == type)
			return (ssize_t)i;
		if (any < 0)
			any = (ssize_t)i;
	}
	return any;
}

static const char *update_reason(const struct record *before, const struct record *after)
{
	return record_same(before, after) ? "it was proxied: TLS would end at the provider"
					  : "points to the gateway";
}

/* Changes records that have to go into records that are missing, as long as there are some of
 * both. */
static int update_surplus(const struct record_list *present, const struct record_list *wanted,
			  bool *is_kept, bool *is_there, struct change_list *changes,
			  struct error *err)
{
	for (size_t w = 0; w < wanted->count; w++) {
		struct record after = wanted->items[w]; /* borrows the value */
		ssize_t at =
		    is_there[w] ? -1 : next_surplus(present, is_kept, wanted->items[w].type);
		if (at < 0)
			continue;
		const struct record *before = &present->items[at];
		if (before->type == after.type && before->ttl != 0)
			after.ttl = before->ttl;
		if (change_list_add(changes, before, &after, err, "%s",
				    update_reason(before, &after)) != 0)
			return -1;
		is_kept[at] = is_there[w] = true;
	}
	return 0;
}

static int remove_surplus(const struct record_list *present, const struct record_list *wanted,
			  bool *is_kept, size_t spare, struct change_list *changes,
			  struct error *err)
{
	size_t surplus = 0;

	for (size_t i = 0; i < present->count; i++)
		surplus += !is_kept[i] && is_alias_type(&present->items[i]);
	for (size_t i = 0; i < present->count && surplus > spare; i++) {
		if (is_kept[i] || !is_alias_type(&present->items[i]))
			continue;
		if (change_list_add(changes, &present->items[i], NULL, err, "%s",
				    record_list_find(wanted, &present->items[i]) != NULL
					? "is there twice"
					: "does not point to the gateway") != 0)
			return -1;
		is_kept[i] = true; /* dealt with */
		surplus--;
	}
	return 0;
}

static int plan_alias(const struct desired_records *desired, const char *zone,
		      const struct record_list *present, const struct record_list *addresses,
		      const struct plan_rules *rules, struct change_list *changes,
		      struct error *err)
{
	AUTO_RECORDS struct record_list wanted = {0};
	bool *is_kept = NULL, *is_there = NULL;
	size_t missing = 0;
	int result = -1;

	if (refuse_delegated(desired, zone, present, err) != 0 ||
	    wanted_aliases(desired, addresses, rules, &wanted, err) != 0)
		return -1;
	is_kept = calloc(present->count + 1, sizeof(*is_kept));
	is_there = calloc(wanted.count + 1, sizeof(*is_there));
	if (is_kept == NULL || is_there == NULL) {
		error_no_memory(err);
		goto out;
	}
	match(present, &wanted, is_kept, is_there);
	for (size_t w = 0; w < wanted.count; w++)
		missing += !is_there[w];
	/* Removals come first: a CNAME can be added only once the addresses are gone. */
	if (remove_surplus(present, &wanted, is_kept, missing, changes, err) != 0 ||
	    update_surplus(present, &wanted, is_kept, is_there, changes, err) != 0)
		goto out;
	result = 0;
	for (size_t w = 0; w < wanted.count && result == 0; w++)
		if (!is_there[w])
			result = change_list_add(changes, NULL, &wanted.items[w], err,
						 "points to the gateway");
out:
	free(is_kept);
	free(is_there);
	return result;
}

/* ---- TXT */

/* The gateway keeps it for as long: what a new address of an app takes to be known. */
enum { APP_ADDRESS_TTL = 60, SHOWN_TEXT = 80 };

/* HEX:PORT, the shape of what this program (and those before it) writes. */
bool plan_is_app_address(const char *value)
{
	size_t hex = strspn(value, "0123456789abcdefABCDEF");

	if (hex == 0 || value[hex] != ':')
		return false;
	size_t digits = strspn(value + hex + 1, "0123456789");
	return digits >= 1 && digits <= 5 && value[hex + 1 + digits] == '\0';
}

/* Two app addresses: HEX:PORT. */
static bool is_of_one_app(const char *one, const char *other)
{
	size_t length = strcspn(one, ":");

	return strcspn(other, ":") == length && strncasecmp(one, other, length) == 0;
}

/* Whatever is not of the shape stays, but the gateway reads the first record of an answer only, and
 * servers change their order. */
static void warn_of_foreign(const struct record_list *present, struct plan *plan)
{
	for (size_t i = 0; i < present->count; i++) {
		const struct record *record = &present->items[i];
		if (strcmp(record_type_text(record), "TXT") != 0 ||
		    (record->type == RECORD_TXT && plan_is_app_address(record->value)))
			continue;
		say_into(&plan->warnings,
			 "another TXT record stands here (\"%.*s\"): the gateway takes the first "
			 "record of an answer, which is that one at times, and then fails the "
			 "connection; remove it",
			 SHOWN_TEXT, record->value);
	}
}

/* At a name that several apps have, those of the others stay: the gateway takes one of them. */
static bool is_to_go(const struct desired_records *desired, const struct record *record,
		     const struct record *wanted)
{
	if (record->type != RECORD_TXT || record_same(record, wanted) ||
	    !plan_is_app_address(record->value))
		return false;
	return !desired->is_shared || is_of_one_app(record->value, wanted->value);
}

static int plan_txt(const struct desired_records *desired, const struct record_list *present,
		    const struct plan_rules *rules, struct plan *plan, struct error *err)
{
	struct change_list *changes = &plan->changes;
	AUTO_RECORD struct record wanted = {0};
	const struct record *cname = record_list_find_type(present, RECORD_CNAME);

	if (cname != NULL && !rules->cname_beside_others)
		return error_set(err, EXIT_FAILED,
				 "%s is a CNAME (to %s), so the TXT record that tells the gateway "
				 "about the app cannot stand there; remove the CNAME",
				 desired->name, cname->value);
	if (record_make(&wanted, desired->name, RECORD_TXT, APP_ADDRESS_TTL, rules->txt_value,
			err) != 0)
		return -1;
	bool is_there = record_list_find(present, &wanted) != NULL;
	warn_of_foreign(present, plan);
	if (change_list_remove_copies(changes, &wanted, present, err) != 0)
		return -1;
	for (size_t i = 0; i < present->count; i++) {
		const struct record *record = &present->items[i];
		if (!is_to_go(desired, record, &wanted))
			continue;
		if (change_list_add(changes, record, is_there ? NULL : &wanted, err,
				    "names another app or port") != 0)
			return -1;
		is_there = true;
	}
	return is_there ? 0
			: change_list_add(changes, NULL, &wanted, err,
					  "tells the gateway which app and port");
}

int plan_make(const struct desired_records *desired, const char *zone,
	      const struct record_list *present, const struct record_list *addresses,
	      const struct plan_rules *rules, struct plan *plan, struct error *err)
{
	if (desired->alias &&
	    plan_alias(desired, zone, present, addresses, rules, &plan->changes, err) != 0)
		return -1;
	if (desired->txt && plan_txt(desired, present, rules, plan, err) != 0)
		return -1;
	if ((desired->issue != CAA_WISH_NONE || desired->issuewild != CAA_WISH_NONE) &&
	    plan_caa(desired, present, rules, plan, err) != 0)
		return -1;
	return 0;
}
