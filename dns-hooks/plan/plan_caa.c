#include "dns-hooks/plan/plan_caa.h"

#include "common/say.h"

#include <stdio.h>
#include <string.h>

enum { TAGS = 2 };

/* One of the two tags, what is wanted of it, and whether that is there. */
struct tag_plan {
	const char *tag;
	enum caa_wish wish;
	struct record wanted; /* value NULL without a wish */
};

static int make_wanted(const struct desired_records *desired, const struct plan_rules *rules,
		       struct tag_plan *tag, struct error *err)
{
	struct caa caa = {.flags = 0};
	struct caa_pin pin = {0};
	char text[CAA_TEXT_MAX];

	if (tag->wish == CAA_WISH_NONE)
		return 0;
	snprintf(caa.tag, sizeof(caa.tag), "%s", tag->tag);
	snprintf(caa.value, sizeof(caa.value), ";");
	if (tag->wish == CAA_WISH_PIN) {
		snprintf(pin.issuer, sizeof(pin.issuer), "%s", rules->ca.names[0]);
		snprintf(pin.account_uri, sizeof(pin.account_uri), "%s", rules->account_uri);
		caa_pin_value(&pin, rules->caa_separator, caa.value);
	}
	caa_format(&caa, text);
	return record_make(&tag->wanted, desired->name, RECORD_CAA, rules->record_ttl, text, err);
}

/* Whether it lets nobody but the account in use have certificates: the pin itself, under any of
 * the CA's names. */
static bool is_binding(const struct caa *present, const struct plan_rules *rules)
{
	struct caa caa = *present;
	struct caa_pin pin = {0};

	if (rules->account_uri == NULL)
		return false;
	caa.flags &= ~(unsigned)CAA_CRITICAL; /* every CA knows the tag */
	snprintf(pin.account_uri, sizeof(pin.account_uri), "%s", rules->account_uri);
	for (size_t i = 0; i < rules->ca.count; i++) {
		struct caa bound = caa;
		snprintf(pin.issuer, sizeof(pin.issuer), "%s", rules->ca.names[i]);
		caa_pin_value(&pin, rules->caa_separator, bound.value);
		if (caa_same(&caa, &bound))
			return true;
	}
	return false;
}

static bool is_our_ca(const struct caa_pin *pin, const struct caa_identities *ca)
{
	for (size_t i = 0; i < ca->count; i++)
		if (strcmp(pin->issuer, ca->names[i]) == 0)
			return true;
	return false;
}

/* Whether a pin to the account in use stands where only "nobody" is asked for: it lets no other
 * account issue either, and may be from a time when the base was served too. */
static bool binds_already(const struct tag_plan *tag, const struct record_list *present,
			  const struct plan_rules *rules)
{
	for (size_t i = 0; i < present->count; i++) {
		struct caa caa;
		if (present->items[i].type == RECORD_CAA &&
		    caa_parse(present->items[i].value, &caa) == 0 &&
		    strcmp(caa.tag, tag->tag) == 0 && is_binding(&caa, rules))
			return true;
	}
	return false;
}

static int add_missing(const struct tag_plan *tag, const struct record_list *present,
		       const struct plan_rules *rules, struct plan *plan, struct error *err)
{
	if (tag->wish == CAA_WISH_NONE)
		return 0;
	if (record_list_find(present, &tag->wanted) != NULL)
		return change_list_remove_copies(&plan->changes, &tag->wanted, present, err);
	if (tag->wish == CAA_WISH_NOBODY && binds_already(tag, present, rules))
		return 0;
	return change_list_add(&plan->changes, NULL, &tag->wanted, err, "%s",
			       tag->wish == CAA_WISH_PIN
				   ? "only this CA, for this ACME account, by dns-01"
				   : "no CA may issue for the names beside the wildcard");
}

static void warn_if_weak(const struct record *record, const struct caa *caa,
			 const struct tag_plan *tag, const struct plan_rules *rules,
			 struct plan *plan)
{
	if (caa_blocks(caa, &rules->ca)) {
		say_into(&plan->warnings,
			 "CAA %s at %s is critical and unknown to the CA: it has to refuse",
			 record->value, record->name);
		return;
	}
	if (tag == NULL || caa_forbids_all(caa) || is_binding(caa, rules))
		return;
	say_into(&plan->warnings,
		 "CAA %s at %s is not ours and stays, but weakens the pin: it lets others "
		 "have certificates; remove it if you do not need it\n",
		 record->value, record->name);
}

static const struct tag_plan *tag_of(const struct caa *caa, const struct tag_plan *tags)
{
	for (size_t i = 0; i < TAGS; i++)
		if (tags[i].wish != CAA_WISH_NONE && strcmp(tags[i].tag, caa->tag) == 0)
			return &tags[i];
	return NULL;
}

/* Removes an old pin of ours, or tells about a foreign record. */
static int judge_present(const struct desired_records *desired, const struct record *record,
			 const struct tag_plan *tags, const struct plan_rules *rules,
			 struct plan *plan, struct error *err)
{
	struct caa caa;
	struct caa_pin pin;

	if (record->type != RECORD_CAA)
		return 0;
	if (caa_parse(record->value, &caa) != 0) {
		say_into(&plan->warnings, "CAA %s at %s cannot be understood", record->value,
			 record->name);
		return 0;
	}
	const struct tag_plan *tag = tag_of(&caa, tags);
	if (tag != NULL && record_same(record, &tag->wanted))
		return 0;
	bool is_ours = caa_is_pin(&caa, &pin) && is_our_ca(&pin, &rules->ca);
	/* Each app behind a shared name has an account of its own, and a pin. */
	if (is_ours && desired->is_shared && strcmp(pin.account_uri, rules->account_uri) != 0)
		return 0;
	if (tag != NULL && is_ours && tag->wish == CAA_WISH_PIN && !is_binding(&caa, rules))
		return change_list_add(
		    &plan->changes, record, NULL, err, "%s",
		    strcmp(pin.account_uri, rules->account_uri) == 0
			? "another spelling of the pin, which the CA may not read as one"
			: "pins another ACME account than the one in use here");
	warn_if_weak(record, &caa, tag, rules, plan);
	return 0;
}

/* `issue` is the plan for that tag. */
static void explain(const struct desired_records *desired, const struct tag_plan *issue,
		    const struct record_list *present, const struct plan_rules *rules,
		    struct plan *plan)
{
	if (desired->issuewild != CAA_WISH_PIN)
		return;
	if (desired->issue == CAA_WISH_NOBODY &&
	    record_list_find(present, &issue->wanted) == NULL &&
	    binds_already(issue, present, rules))
		say_into(&plan->notes,
			 "issuewild binds *.%s only; the issue record that is there has the "
			 "same value, for the names beside the wildcard\n",
			 desired->base);
	else if (desired->issue == CAA_WISH_PIN)
		say_into(&plan->notes,
			 "issuewild binds *.%s only; issue has the same value, for the names "
			 "beside the wildcard that are served here\n",
			 desired->base);
	else
		say_into(&plan->notes,
			 "issuewild binds *.%s only; issue \";\" keeps every CA from issuing "
			 "for %s itself, and for names below it that have no CAA of their "
			 "own\n",
			 desired->base, desired->base);
}

static int refuse_cname(const struct desired_records *desired, const struct record_list *present,
			const struct plan_rules *rules, struct error *err)
{
	const struct record *cname = record_list_find_type(present, RECORD_CNAME);

	/* An alias that is part of this run is made of addresses, beside which CAA records can
	 * stand. */
	if (cname == NULL || rules->cname_beside_others || desired->alias)
		return 0;
	return error_set(
	    err, EXIT_FAILED, "%s is a CNAME (to %s), so no CAA record can stand there; %s",
	    desired->name, cname->value,
	    desired->caa_stands ? "apply the alias record too (it becomes addresses), or remove it"
				: "remove the CNAME");
}

/* Where somebody has led a shared name by a CNAME (of weights, say), a CA asks behind it. */
static bool is_led_away(const struct desired_records *desired, const struct record_list *present,
			const struct plan_rules *rules, struct plan *plan)
{
	bool has_cname = false;

	for (size_t i = 0; i < present->count; i++)
		has_cname = has_cname || strcmp(record_type_text(&present->items[i]), "CNAME") == 0;
	if (!desired->is_shared || !has_cname || rules->cname_beside_others)
		return false;
	say_into(
	    &plan->warnings,
	    "%s (ALIAS_DOMAIN) is a CNAME, so no CAA record can stand there: CAs go by the one "
	    "of the name behind it, which has to let each of the apps have certificates",
	    desired->name);
	return true;
}

int plan_caa(const struct desired_records *desired, const struct record_list *present,
	     const struct plan_rules *rules, struct plan *plan, struct error *err)
{
	struct tag_plan tags[TAGS] = {{.tag = "issue", .wish = desired->issue},
				      {.tag = "issuewild", .wish = desired->issuewild}};
	int result;

	if (is_led_away(desired, present, rules, plan))
		return 0;
	result = refuse_cname(desired, present, rules, err);
	for (size_t i = 0; i < TAGS && result == 0; i++)
		result = make_wanted(desired, rules, &tags[i], err);
	for (size_t i = 0; i < TAGS && result == 0; i++)
		result = add_missing(&tags[i], present, rules, plan, err);
	for (size_t i = 0; i < present->count && result == 0; i++)
		result = judge_present(desired, &present->items[i], tags, rules, plan, err);
	if (result == 0)
		explain(desired, &tags[0], present, rules, plan);
	for (size_t i = 0; i < TAGS; i++)
		record_free(&tags[i].wanted);
	return result;
}
