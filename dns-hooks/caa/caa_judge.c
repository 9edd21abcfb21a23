#include "dns-hooks/caa/caa_judge.h"

#include "dns-hooks/records/caa_value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 300 };

static const char METHOD[] = "dns-01";

void caa_set_free(struct caa_set *set)
{
	free(set->items);
	*set = (struct caa_set){0};
}

int caa_set_add(struct caa_set *set, const struct caa *caa, struct error *err)
{
	struct caa *items = reallocarray(set->items, set->count + 1, sizeof(*items));

	if (items == NULL)
		return error_no_memory(err);
	set->items = items;
	items[set->count++] = *caa;
	return 0;
}

/* Why a record does not let an applicant have a certificate.  Of several records, the one that
 * comes closest to permitting it is told. */
enum objection {
	OTHER_ISSUER,
	NO_ISSUER,
	MALFORMED,
	OTHER_CASE,
	DOUBLE_PARAMETER,
	OTHER_METHOD,
	OTHER_ACCOUNT,
	NONE,
};

static bool is_named(const struct caa_part *issuer, const struct caa_identities *ca,
		     bool (*is)(const struct caa_part *part, const char *text))
{
	for (size_t i = 0; i < ca->count; i++)
		if (is(issuer, ca->names[i]))
			return true;
	return false;
}

/* The value of a parameter, NULL when it is not there; `is_double` when it is there twice, which
 * nobody can satisfy (RFC 8657 sections 3 and 4). */
static const struct caa_part *find_parameter(const struct caa_value *value, const char *tag,
					     bool *is_double)
{
	const struct caa_part *found = NULL;

	for (size_t i = 0; i < value->count; i++) {
		if (!caa_part_is(&value->parameters[i].tag, tag))
			continue;
		*is_double = *is_double || found != NULL;
		found = &value->parameters[i].value;
	}
	return found;
}

/* Whether a list of labels with commas between holds dns-01.  A label with a character that
 * does not belong there voids what follows. */
static bool lists_method(const struct caa_part *list)
{
	const char *at = list->start, *end = list->start + list->length;

	while (at <= end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const struct caa_part label = {at, (size_t)((comma == NULL ? end : comma) - at)};
		if (caa_part_is(&label, METHOD))
			return true;
		for (size_t i = 0; i < label.length; i++)
			if (!isalnum((unsigned char)label.start[i]) && label.start[i] != '-')
				return false;
		if (label.length == 0 || comma == NULL)
			return false;
		at = comma + 1;
	}
	return false;
}

static enum objection judge_parameters(const struct caa_value *value,
				       const struct caa_applicant *applicant)
{
	bool is_double = false;
	const struct caa_part *account = find_parameter(value, "accounturi", &is_double);
	const struct caa_part *methods = find_parameter(value, "validationmethods", &is_double);

	if (is_double)
		return DOUBLE_PARAMETER;
	if (methods != NULL && !lists_method(methods))
		return OTHER_METHOD;
	if (account != NULL && applicant->account_uri != NULL &&
	    !caa_part_is(account, applicant->account_uri))
		return OTHER_ACCOUNT;
	return NONE;
}

static enum objection judge_record(const struct caa *caa, const struct caa_applicant *applicant)
{
	struct caa_value value;

	if (caa_value_parse(caa->value, &value) != 0)
		return MALFORMED;
	if (value.issuer.length == 0)
		return NO_ISSUER;
	if (is_named(&value.issuer, applicant->ca, caa_part_is))
		return judge_parameters(&value, applicant);
	return is_named(&value.issuer, applicant->ca, caa_part_is_anycase) ? OTHER_CASE
									   : OTHER_ISSUER;
}

static void show(const struct caa *caa, char shown[SHOWN_MAX])
{
	char text[CAA_TEXT_MAX];

	caa_format(caa, text);
	snprintf(shown, SHOWN_MAX, "%.290s", text);
}

static void explain(const struct caa *caa, enum objection objection,
		    const struct caa_applicant *applicant, struct error *why)
{
	const char *issuer = applicant->ca->names[0];
	char shown[SHOWN_MAX];

	show(caa, shown);
	switch (objection) {
	case OTHER_ISSUER:
	case NO_ISSUER:
		error_set(why, EXIT_FAILED,
			  "CAA %s lets %s issue: remove it, or add CAA 0 %s \"%s\" beside it",
			  shown, objection == NO_ISSUER ? "nobody" : "only another CA", caa->tag,
			  issuer);
		break;
	case MALFORMED:
		error_set(why, EXIT_FAILED,
			  "CAA %s is malformed, and CAs take it as one that lets nobody issue: "
			  "correct or remove it",
			  shown);
		break;
	case OTHER_CASE:
		error_set(
		    why, EXIT_FAILED,
		    "CAA %s names the CA in other letters than it does itself (%s): correct it",
		    shown, issuer);
		break;
	case DOUBLE_PARAMETER:
		error_set(why, EXIT_FAILED,
			  "CAA %s has a parameter twice, which no CA accepts: keep one of them",
			  shown);
		break;
	case OTHER_METHOD:
		error_set(why, EXIT_FAILED, "CAA %s does not allow %s: add it to validationmethods",
			  shown, METHOD);
		break;
	case OTHER_ACCOUNT:
		error_set(why, EXIT_FAILED,
			  "CAA %s is for another ACME account; the one in use is %s: remove or "
			  "correct it (SET_CAA=true keeps a correct one)",
			  shown, applicant->account_uri);
		break;
	case NONE:
		break;
	}
}

static bool has_tag(const struct caa_set *set, const char *tag)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].tag, tag) == 0)
			return true;
	return false;
}

static const char *tag_that_counts(const struct caa_set *set, bool is_wildcard)
{
	return is_wildcard && has_tag(set, "issuewild") ? "issuewild" : "issue";
}

static bool any_blocks(const struct caa_set *set, const struct caa_identities *ca,
		       struct error *why)
{
	char shown[SHOWN_MAX];

	for (size_t i = 0; i < set->count; i++) {
		if (!caa_blocks(&set->items[i], ca))
			continue;
		show(&set->items[i], shown);
		error_set(why, EXIT_FAILED,
			  "CAA %s is critical and of a kind that the CA does not know, so that it "
			  "has to refuse: remove it",
			  shown);
		return true;
	}
	return false;
}

bool caa_set_permits(const struct caa_set *set, const struct caa_applicant *applicant,
		     struct error *why)
{
	const char *tag = tag_that_counts(set, applicant->is_wildcard);
	const struct caa *nearest = NULL;
	enum objection least = OTHER_ISSUER;

	if (any_blocks(set, applicant->ca, why))
		return false;
	for (size_t i = 0; i < set->count; i++) {
		const struct caa *caa = &set->items[i];
		if (strcmp(caa->tag, tag) != 0)
			continue;
		enum objection objection = judge_record(caa, applicant);
		if (objection == NONE)
			return true;
		if (nearest == NULL || objection > least) {
			nearest = caa;
			least = objection;
		}
	}
	/* Records about other things restrict nobody. */
	if (nearest == NULL)
		return true;
	explain(nearest, least, applicant, why);
	return false;
}

/* ---- who else may */

/* How this record lets others have certificates, as a sentence part; NULL if it does not. */
static const char *find_opening(const struct caa *caa, const char *account_uri)
{
	struct caa_value value;
	bool is_double = false;

	if (caa_value_parse(caa->value, &value) != 0 || value.issuer.length == 0)
		return NULL;
	const struct caa_part *account = find_parameter(&value, "accounturi", &is_double);
	if (account == NULL)
		return "lets everybody have certificates from that CA: it names no account";
	if (is_double)
		return "names several accounts, which CAs may take for none";
	if (account_uri != NULL && !caa_part_is(account, account_uri))
		return "lets another account have certificates";
	return NULL;
}

/* A record that a CA does not know may keep it from issuing, but lets nobody issue. */
bool caa_set_binds(const struct caa_set *set, const char *account_uri, bool is_wildcard,
		   struct error *why)
{
	const char *tag = tag_that_counts(set, is_wildcard);
	char shown[SHOWN_MAX];

	for (size_t i = 0; i < set->count; i++) {
		const struct caa *caa = &set->items[i];
		const char *opening =
		    strcmp(caa->tag, tag) == 0 ? find_opening(caa, account_uri) : NULL;
		if (opening == NULL)
			continue;
		show(caa, shown);
		error_set(why, EXIT_FAILED, "CAA %s %s", shown, opening);
		return false;
	}
	if (has_tag(set, tag))
		return true;
	error_set(why, EXIT_FAILED, "the CAA records are about other things: every CA may issue");
	return false;
}
