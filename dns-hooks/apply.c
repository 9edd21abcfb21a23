#include "dns-hooks/apply.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/say.h"
#include "dns-hooks/apply_name.h"
#include "dns-hooks/apply_operator.h"
#include "dns-hooks/apply_result.h"
#include "dns-hooks/caa/acme_directory.h"
#include "dns-hooks/pin_check.h"
#include "dns-hooks/resolve/seen_records.h"
#include "dns-hooks/resolve/zone_check.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAILURES_MAX = 3, SLOW_MS = 10000 };

/* ---- what is the same for every name */

static int set_rules(struct apply_work *work, const char *account_uri, unsigned kinds,
		     struct error *err)
{
	const struct settings *settings = work->settings;
	const struct provider_class *class = work->provider.class;
	struct plan_rules *rules = &work->rules;

	rules->cname_beside_others = class->cname_beside_others;
	rules->caa_separator = class->caa_separator;
	rules->record_ttl = class->record_ttl;
	rules->gateway = settings->gateway_domain;
	rules->account_uri = account_uri;
	if ((kinds & KIND_TXT) != 0 && settings->app_id == NULL)
		return error_set(
		    err, EXIT_BAD_CONFIG,
		    "APP_ID is not set: it is part of the TXT record (ingressd asks "
		    "the guest agent for it; by hand, set it or use --only alias,caa)");
	if (settings->app_id != NULL)
		snprintf(rules->txt_value, sizeof(rules->txt_value), "%s:%u", settings->app_id,
			 (unsigned)settings->port);
	if ((kinds & KIND_CAA) == 0)
		return 0;
	if (acme_caa_identities(settings->acme_server, settings->acme_ca_bundle, &rules->ca, err) !=
	    0)
		return error_wrap(err, "SET_CAA=true cannot be kept (false leaves CAA alone)");
	return 0;
}

/* CAA records are written only if SET_CAA asks for them; then the account has to be known. */
static int choose_kinds(const struct settings *settings, const struct apply_request *request,
			unsigned *kinds, struct error *err)
{
	*kinds = request->kinds;
	if ((*kinds & KIND_CAA) == 0)
		return 0;
	if (!settings->set_caa) {
		if (*kinds == KIND_CAA)
			puts("SET_CAA is false: CAA records are left alone.");
		*kinds &= ~(unsigned)KIND_CAA;
		return 0;
	}
	if (request->account_uri == NULL)
		return error_set(err, EXIT_USAGE_ERROR,
				 "SET_CAA is true, so the CAA records need --account-uri URI (the "
				 "\"uri\" of the ACME account); or use --only alias,txt");
	return caa_check_account_uri(request->account_uri, err);
}

/* ---- all names */

/* What went wrong so far. */
struct failures {
	size_t count;
	size_t in_a_row; /* of those that the next name may share */
	bool was_slow;	 /* the last one */
	struct error last;
	enum exit_code code; /* the first that says more than "failed" */
};

/* Whether the next name would fail for the same reason: the provider does not answer, or refuses
 * the credentials.  A single failure may be about one name or zone only, unless it says to wait, or
 * came of waiting. */
static bool is_hopeless(const struct failures *failures)
{
	return (failures->last.code == EXIT_TRY_LATER && failures->last.retry_after > 0) ||
	       (failures->in_a_row > 0 && failures->was_slow) || failures->in_a_row == FAILURES_MAX;
}

/* What is the operator's to make says nothing of the provider. */
static void count_failure(struct failures *failures, const struct error *failure, bool is_operators)
{
	failures->count++;
	failures->last = *failure;
	failures->in_a_row =
	    is_operators || failure->code == EXIT_FAILED ? 0 : failures->in_a_row + 1;
	if (failures->code == EXIT_FAILED)
		failures->code = failure->code;
}

static int report_failures(const struct failures *failures, size_t done, size_t wanted,
			   struct error *err)
{
	if (failures->count == 1 && done == wanted) {
		*err = failures->last;
		return -1;
	}
	error_set(err, failures->code, "%zu of %zu names could not be brought up to date%s%s",
		  failures->count, wanted,
		  done < wanted ? "; gave up at: " : ", the last one: ", failures->last.text);
	err->retry_after = failures->last.retry_after;
	return -1;
}

static int do_names(struct apply_work *work, const struct desired_list *names, struct error *err)
{
	struct failures failures = {.last = ERROR_INIT, .code = EXIT_FAILED};
	size_t done = 0;

	while (done < names->count && !is_hopeless(&failures)) {
		const struct desired_records *desired = &names->items[done++];
		/* Each name has an error object of its own: a call that failed and then
		 * succeeded leaves its first error in it. */
		struct error failure = ERROR_INIT;
		long long began = clock_now_ms();
		size_t missing = work->missing.count;
		if (apply_name(work, desired, &failure) == 0) {
			failures.in_a_row = 0;
			continue;
		}
		print_failure(desired, &failure);
		count_failure(&failures, &failure, work->missing.count > missing);
		failures.was_slow = clock_now_ms() - began >= SLOW_MS;
	}
	return failures.count == 0 ? 0 : report_failures(&failures, done, names->count, err);
}

/*
 * For a provider that can only answer challenges: prints which records the operator has to make, as
 * far as DNS does not show them yet.  False when DNS cannot be asked or another record is in the
 * way, which is printed.
 */
static bool tell(struct apply_work *work, const struct desired_records *desired)
{
	AUTO_RECORDS struct record_list present = {0};
	struct error doubt = ERROR_INIT;
	struct plan plan;
	domain_name zone = "";

	plan_init(&plan);
	bool is_seen = seen_records(&work->view, desired->name, zone, &present, &doubt) == 0;
	if (!is_seen) {
		say_into(&plan.warnings, "cannot tell what is there already: %s", doubt.text);
		record_list_free(&present);
	}
	bool is_clear = apply_work_out(work, desired, zone, &present, &plan, &doubt) == 0;
	if (!is_clear)
		say_into(&plan.warnings, "%s", doubt.text);
	if (work->is_logged) {
		print_changes_to_log(desired, &plan, PRINT_FOR_OPERATOR);
		print_warnings_to_log(desired, &plan);
	} else {
		print_plan(desired, &plan);
	}
	print_count(&plan, &work->counts);
	plan_free(&plan);
	return is_seen && is_clear;
}

/* -1 with all that is missing in err. */
static int do_by_hand(struct apply_work *work, const struct desired_list *names, struct error *err)
{
	struct error missing = ERROR_INIT;
	bool is_clear = true;

	for (size_t i = 0; i < names->count; i++) {
		struct error own = ERROR_INIT;
		is_clear = tell(work, &names->items[i]) && is_clear;
		if (apply_by_hand(work, &names->items[i], &own) == 0)
			continue;
		bool is_first = missing.text[0] == '\0';
		error_set(&missing, own.code, "%s%s%s", is_first ? "" : missing.text,
			  is_first ? "" : "; ", own.text);
	}
	work->is_unclear = !is_clear;
	if (missing.text[0] == '\0')
		return 0;
	*err = missing;
	/* A plan shows what is missing, which does not make it fail. */
	return work->is_dry && missing.code == EXIT_TRY_LATER ? 0 : -1;
}

static int prepare(struct apply_work *work, const struct apply_request *request, unsigned *kinds,
		   struct error *err)
{
	const struct settings *settings = work->settings;

	if (choose_kinds(settings, request, kinds, err) != 0)
		return -1;
	if (*kinds == 0)
		return 0;
	if (provider_open(&work->provider, settings, err) != 0 ||
	    dns_view_init(&work->view, settings, err) != 0)
		return -1;
	if (!work->is_dry && work->provider.class->list != NULL &&
	    journal_open(&work->journal, settings->letsencrypt_dir, err) != 0)
		return -1;
	return set_rules(work, request->account_uri, *kinds, err);
}

static void sum_up(const struct apply_work *work, bool has_failed)
{
	if (work->provider.class->list == NULL)
		print_by_hand(&work->counts, work->provider.class->name,
			      work->is_unclear || has_failed);
	else
		print_summary(&work->counts, work->is_dry, has_failed, work->is_partial);
	apply_tell_missing(work);
}

static int do_domains(struct apply_work *work, const char *const *domains, size_t count,
		      unsigned kinds, struct error *err)
{
	struct error delegation = ERROR_INIT;
	struct desired_list names;
	int result = 0;

	if (kinds == 0)
		return 0;
	if (desired_list_build(work->settings, domains, count, kinds, &names, err) != 0)
		return -1;
	if (work->provider.class->list == NULL)
		result = do_by_hand(work, &names, err);
	else
		result = do_names(work, &names, err);
	desired_list_free(&names);
	bool is_delegated = apply_delegation(work, domains, count, kinds, &delegation) == 0;
	sum_up(work, result != 0 || !is_delegated);
	/* A plan shows what is missing, and what is merely missing does not make it fail. */
	if (is_delegated || (work->is_dry && delegation.code == EXIT_TRY_LATER))
		return result;
	if (result == 0)
		*err = delegation;
	else
		error_set(err, err->code, "%s; and %s", err->text, delegation.text);
	return -1;
}

static bool has_changed(const struct apply_work *work)
{
	const struct print_counts *counts = &work->counts;

	return counts->added + counts->changed + counts->removed > 0 || work->is_partial ||
	       work->is_unclear;
}

/* Where nothing was left to do: an addition takes a while to be seen.  `why` is about the last of
 * the pins that do not hold. */
static bool are_pins_broken(struct apply_work *work, const char *const *domains, size_t count,
			    unsigned kinds, struct error *why)
{
	bool is_any = false;

	if ((kinds & KIND_CAA) == 0 || has_changed(work) || work->is_dns_silent)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct error own = ERROR_INIT;
		enum pin_verdict verdict =
		    pin_check(&work->view, domains[i], work->rules.account_uri, &own);
		if (verdict != PIN_BROKEN)
			continue;
		print_doubt(&own);
		*why = own;
		is_any = true;
	}
	return is_any;
}

/* As a run for that domain alone would. */
static int do_one(struct apply_work *work, const struct apply_request *request, size_t index,
		  unsigned kinds, struct error *err)
{
	struct error failure = ERROR_INIT, note = ERROR_INIT;
	bool has_failed, has_note;

	work->is_dns_silent = work->is_partial = work->is_unclear = work->has_others = false;
	work->counts = (struct print_counts){0};
	log_about(request->domains[index]);
	operator_list_free(&work->missing);
	has_failed = do_domains(work, &request->domains[index], 1, kinds, &failure) != 0;
	has_note = !has_failed && are_pins_broken(work, &request->domains[index], 1, kinds, &note);
	log_about(NULL);
	bool is_unchanged =
	    !has_failed && !has_changed(work) && !work->has_others && work->missing.count == 0;
	return apply_result_write(request->results_fd, request->domains[index],
				  has_failed ? &failure : NULL, has_note ? &note : NULL,
				  is_unchanged, &work->missing, err);
}

/* All in one; what does not hold is told, and no failure. */
static int do_all(struct apply_work *work, const struct apply_request *request, unsigned kinds,
		  struct error *err)
{
	AUTO_FREE const char **all = NULL;
	const char *const *domains = request->domains;
	size_t count = request->domain_count;
	struct error ignored = ERROR_INIT;

	if (do_domains(work, domains, count, kinds, err) != 0)
		return -1;
	if (count == 0) {
		count = work->settings->domain_count;
		domains = all = calloc(count + 1, sizeof(*all));
		for (size_t i = 0; all != NULL && i < count; i++)
			all[i] = work->settings->domains[i];
	}
	if (domains != NULL)
		are_pins_broken(work, domains, count, kinds, &ignored);
	return 0;
}

/* `hindrance` keeps all of them from being begun; NULL: nothing does. */
static int do_each(struct apply_work *work, const struct apply_request *request, unsigned kinds,
		   const struct error *hindrance, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < request->domain_count && result == 0; i++)
		result = hindrance == NULL
			     ? do_one(work, request, i, kinds, err)
			     : apply_result_write(request->results_fd, request->domains[i],
						  hindrance, NULL, false, NULL, err);
	return result;
}

int apply_run(const struct settings *settings, const struct apply_request *request,
	      struct error *err)
{
	struct apply_work work = {
	    .settings = settings,
	    .is_dry = request->dry_run,
	    .is_logged = request->results_fd > 0,
	};
	struct error hindrance = ERROR_INIT;
	unsigned kinds = 0;
	int result = prepare(&work, request, &kinds, &hindrance);

	if (request->results_fd > 0)
		result = do_each(&work, request, kinds, result == 0 ? NULL : &hindrance, err);
	else if (result == 0)
		result = do_all(&work, request, kinds, err);
	else
		*err = hindrance;
	record_list_free(&work.addresses);
	operator_list_free(&work.missing);
	provider_close(&work.provider);
	journal_close(&work.journal);
	return result;
}
