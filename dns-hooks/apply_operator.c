#include "dns-hooks/apply_operator.h"

#include "common/log.h"
#include "common/say.h"
#include "dns-hooks/operator/operator_check.h"
#include "dns-hooks/resolve/seen_records.h"

#include <stdio.h>

/* For the CNAMEs of one domain. */
enum { BUDGET_MS = 40000 };

/* ---- names that the credentials do not reach */

static const char *purpose(const struct record *record)
{
	switch (record->type) {
	case RECORD_TXT:
		return "leads the gateway to the app";
	case RECORD_CAA:
		return "says who may issue certificates";
	default:
		return "leads clients to the gateway";
	}
}

/* Whatever stands there: what would be added where nothing does. */
static int list_desired(struct apply_work *work, const struct desired_records *desired,
			struct operator_list *list, struct error *err)
{
	AUTO_RECORDS struct record_list seen = {0};
	const struct record_list nothing = {0};
	struct error ignored = ERROR_INIT;
	domain_name zone = "";
	struct plan plan;

	plan_init(&plan);
	if (seen_records(&work->view, desired->name, zone, &seen, &ignored) != 0)
		*zone = '\0';
	int result = apply_work_out(work, desired, zone, &nothing, &plan, err);
	for (size_t i = 0; i < plan.changes.count && result == 0; i++) {
		const struct record *record = &plan.changes.items[i].after;
		bool is_exact = record->type == RECORD_TXT || record->type == RECORD_CAA;
		result = operator_list_add(list, record->name, record->type, record->value,
					   is_exact, purpose(record), err);
	}
	plan_free(&plan);
	return result;
}

static void tell_made(const struct apply_work *work, const char *name)
{
	static const char note[] = "made by somebody else: DNS shows what is desired here";

	if (work->is_logged) {
		log_info("%s: %s", name, note);
		return;
	}
	say(stdout, "%s", name);
	print_note(note);
}

int apply_others_records(struct apply_work *work, const struct desired_records *desired,
			 bool is_reached, struct error *err)
{
	AUTO_OPERATOR struct operator_list list = {0}, missing = {0};
	struct error unmet = ERROR_INIT;

	if (list_desired(work, desired, &list, &unmet) == 0 &&
	    operator_check_all(&work->view, &list, BUDGET_MS, &missing, &unmet) == 0) {
		tell_made(work, desired->name);
		work->has_others = true;
		return 0;
	}
	if (is_reached)
		return -1;
	for (size_t i = 0; i < missing.count; i++)
		if (operator_list_copy(&work->missing, &missing.items[i], err) != 0)
			return -1;
	/* Credentials that may not write are wrong as well, if they were meant to. */
	return error_set(err, err->code == EXIT_BAD_CONFIG ? err->code : unmet.code,
			 "%s; or make the records there by hand: %s", err->text, unmet.text);
}

/* ---- delegation */

static int list_cnames(const struct settings *settings, const char *domain, unsigned kinds,
		       struct operator_list *list, struct error *err)
{
	struct delegation_cname cnames[DELEGATION_CNAMES_MAX];
	int count = delegation_cnames(settings, domain, kinds, cnames, err);

	for (int i = 0; i < count; i++)
		if (operator_list_add(list, cnames[i].name, RECORD_CNAME, cnames[i].target, true,
				      cnames[i].note, err) != 0)
			return -1;
	return count < 0 ? -1 : 0;
}

int apply_delegation(struct apply_work *work, const char *const *domains, size_t count,
		     unsigned kinds, struct error *err)
{
	const struct settings *settings = work->settings;
	AUTO_OPERATOR struct operator_list list = {0};
	size_t all = count == 0 ? settings->domain_count : count;

	if (settings->delegation_zone == NULL)
		return 0;
	for (size_t i = 0; i < all; i++)
		if (list_cnames(settings, count == 0 ? settings->domains[i] : domains[i], kinds,
				&list, err) != 0)
			return -1;
	return operator_check_all(&work->view, &list, BUDGET_MS * (long)all, &work->missing, err);
}

void apply_tell_missing(const struct apply_work *work)
{
	const struct operator_list *missing = &work->missing;

	for (size_t i = 0; i < missing->count && work->is_logged; i++) {
		const struct record *record = &missing->items[i].wanted;
		log_warn("missing in DNS, and yours to make (it %s): %s. %u IN %s %s%s",
			 missing->items[i].note, record->name, record->ttl,
			 record_type_text(record), record->value,
			 record->type == RECORD_CNAME ? "." : "");
	}
	if (missing->count == 0 || work->is_logged)
		return;
	puts("Missing in DNS, and yours to make (lines for a zone file):");
	operator_list_print(missing);
}
