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
		/* Beside values of others where the name is shared. */
		bool is_exact = (record->type == RECORD_TXT && !desired->is_shared) ||
				record->type == RECORD_CAA;
		result = operator_list_add(list, record->name, record->type, record->value,
					   is_exact, purpose(record), err);
	}
	plan_free(&plan);
	return result;
}

/* With DNS_SETUP_MODE=print the operator is told of all, and nothing is waited for. */
static bool is_asked_nothing(const struct apply_work *work)
{
	return work->settings->dns_setup_mode == SETUP_PRINT && !work->is_dry;
}

static int look(struct apply_work *work, const struct operator_list *list, long budget_ms,
		struct operator_list *missing, struct error *err)
{
	if (!is_asked_nothing(work))
		return operator_check_all(&work->view, list, budget_ms, missing, err);
	for (size_t i = 0; i < list->count; i++)
		if (operator_list_copy(missing, &list->items[i], err) != 0)
			return -1;
	return 0;
}

int apply_by_hand(struct apply_work *work, const struct desired_records *desired, struct error *err)
{
	AUTO_OPERATOR struct operator_list list = {0};

	work->has_others = true;
	if (list_desired(work, desired, &list, err) == 0)
		return look(work, &list, BUDGET_MS, &work->missing, err);
	if (!is_asked_nothing(work))
		return -1;
	log_warn("%s: cannot tell what is to be made there: %s", desired->name, err->text);
	return 0;
}

static void tell_made(const struct apply_work *work, const char *name, bool is_seen)
{
	const char *note = is_seen ? "made by somebody else: DNS shows what is desired here"
				   : "to be made by somebody else: nothing is waited for";

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
	bool is_well = list_desired(work, desired, &list, &unmet) == 0 &&
		       look(work, &list, BUDGET_MS, &missing, &unmet) == 0;

	if (is_reached && (!is_well || missing.count > 0))
		return -1;
	for (size_t i = 0; i < missing.count; i++)
		if (operator_list_copy(&work->missing, &missing.items[i], err) != 0)
			return -1;
	if (is_well) {
		tell_made(work, desired->name, missing.count == 0);
		work->has_others = true;
		return 0;
	}
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
	return look(work, &list, BUDGET_MS * (long)all, &work->missing, err);
}

void apply_tell_missing(const struct apply_work *work)
{
	const struct operator_list *missing = &work->missing;

	for (size_t i = 0; i < missing->count && work->is_logged; i++) {
		char line[PRINT_RECORD_MAX];
		print_record_line(&missing->items[i].wanted, line);
		log_warn("missing in DNS, and yours to make (it %s): %s", missing->items[i].note,
			 line);
	}
	if (missing->count == 0 || work->is_logged)
		return;
	puts("Missing in DNS, and yours to make (lines for a zone file):");
	operator_list_print(missing);
}
