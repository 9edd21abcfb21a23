#include "dns-hooks/apply.h"

#include "common/file.h"
#include "common/say.h"
#include "dns-hooks/caa/acme_directory.h"
#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/plan/plan_make.h"
#include "dns-hooks/plan/print.h"
#include "dns-hooks/providers/provider_table.h"
#include "dns-hooks/resolve/seen_records.h"
#include "dns-hooks/resolve/zone_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ATTEMPTS_MAX = 4, REFUSALS_MAX = 3 };

/* What one run of `plan` or `apply` works with. */
struct run {
	const struct settings *settings;
	const struct apply_request *request;
	struct provider provider;
	struct journal journal; /* apply only */
	struct dns_view view;
	struct plan_rules rules;
	struct record_list addresses; /* of the gateway, once they were needed */
	bool is_dns_silent;	      /* delegations cannot be checked; said once */
	bool is_partial;	      /* of a change that failed, some may have been made */
	struct print_counts counts;
};

/* ---- what is the same for every name */

static int set_rules(struct run *run, unsigned kinds, struct error *err)
{
	const struct settings *settings = run->settings;
	const struct provider_class *class = run->provider.class;
	struct plan_rules *rules = &run->rules;

	rules->cname_beside_others = class->cname_beside_others;
	rules->caa_separator = class->caa_separator;
	rules->record_ttl = class->record_ttl;
	rules->gateway = settings->gateway_domain;
	rules->account_uri = run->request->account_uri;
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
static int choose_kinds(const struct run *run, unsigned *kinds, struct error *err)
{
	const struct apply_request *request = run->request;

	*kinds = request->kinds;
	if ((*kinds & KIND_CAA) == 0)
		return 0;
	if (!run->settings->set_caa) {
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

/* The gateway's addresses as public DNS has them: /etc/hosts holds for this container only. */
static int find_gateway(struct run *run, struct error *err)
{
	const char *gateway = run->settings->gateway_domain;
	struct address_list found;

	if (run->addresses.count > 0)
		return 0;
	resolver_allow(&run->view.resolver, RESOLVER_BUDGET_MS);
	if (resolver_addresses(&run->view.resolver, gateway, 0, &found, err) != 0)
		return error_wrap(err, "cannot find the addresses of GATEWAY_DOMAIN");
	for (size_t i = 0; i < found.count; i++) {
		const struct sockaddr_storage *address = &found.items[i];
		bool is_v6 = address->ss_family == AF_INET6;
		char text[INET6_ADDRSTRLEN] = "";
		struct record record;
		inet_ntop(address->ss_family,
			  is_v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				: (const void *)&((const struct sockaddr_in *)address)->sin_addr,
			  text, sizeof(text));
		if (record_make(&record, gateway, is_v6 ? RECORD_AAAA : RECORD_A, 0, text, err) !=
			0 ||
		    record_list_add(&run->addresses, &record, err) != 0)
			return -1;
	}
	if (run->addresses.count == 0)
		return error_set(
		    err, EXIT_FAILED,
		    "GATEWAY_DOMAIN (%s) has no address in DNS, so the alias cannot be "
		    "made of addresses",
		    gateway);
	return 0;
}

/* ---- one name */

static int check_delegation(struct run *run, const struct desired_records *desired,
			    const struct zone *zone, struct error *err)
{
	struct error doubt = ERROR_INIT;

	if (run->is_dns_silent)
		return 0;
	switch (zone_is_shadowed(&run->view, desired->name, zone->name, &doubt)) {
	case 0:
		return 0;
	case 1:
		*err = doubt;
		return -1;
	default:
		/* The records are written all the same: a record that nobody can see does no
		 * harm, and this command also runs where DNS servers cannot be reached. */
		error_wrap(&doubt, "cannot check whether %s is delegated to the provider",
			   zone->name);
		print_doubt(&doubt);
		run->is_dns_silent = true;
		return 0;
	}
}

static int work_out(struct run *run, const struct desired_records *desired, const char *zone,
		    const struct record_list *present, struct plan *plan, struct error *err)
{
	const char *why =
	    desired->alias ? plan_why_addresses(desired, zone, present, &run->rules) : NULL;

	if (why != NULL && find_gateway(run, err) != 0)
		return -1;
	if (plan_make(desired, zone, present, why == NULL ? NULL : &run->addresses, &run->rules,
		      plan, err) != 0)
		return -1;
	if (why != NULL && plan->changes.count > 0)
		say_into(&plan->notes, "addresses of %s instead of a CNAME: %s", run->rules.gateway,
			 why);
	return 0;
}

static int read_and_plan(struct run *run, const struct desired_records *desired,
			 const struct zone *zone, struct record_list *present, struct plan *plan,
			 struct error *err)
{
	const struct provider_class *class = run->provider.class;

	if (class->list(run->provider.state, zone, desired->name, present, err) != 0)
		return error_wrap(err, "cannot read the records of %s", desired->name);
	return work_out(run, desired, zone->name, present, plan, err);
}

enum turn {
	TURN_FAILED,
	TURN_WRITTEN,	/* the next one tells whether it was made */
	TURN_OVERTAKEN, /* other records are there than were read */
	TURN_DONE,	/* nothing was left to do */
};

static enum turn change(struct run *run, const struct desired_records *desired,
			const struct zone *zone, const struct record_list *present,
			const struct change_list *changes, struct error *err)
{
	const struct provider_class *class = run->provider.class;
	int result = class->change(run->provider.state, zone, desired->name, present, changes, err);

	journal_note_write(&run->journal, class->name, zone->name, result >= 0);
	if (result == PROVIDER_CHANGED_MEANWHILE)
		return TURN_OVERTAKEN;
	if (result == 0)
		return TURN_WRITTEN;
	run->is_partial = true;
	error_wrap(err, "cannot change the records of %s", desired->name);
	return TURN_FAILED;
}

/* A plan is printed before it is carried out; its changes are counted afterwards. */
static enum turn carry_out(struct run *run, const struct desired_records *desired,
			   const struct zone *zone, enum turn before,
			   const struct record_list *present, const struct plan *plan,
			   struct error *err)
{
	bool is_dry = run->request->dry_run;
	struct print_counts counts = {0};

	if (before == TURN_OVERTAKEN)
		print_note("somebody else changed these records meanwhile; planned anew:");
	else if (before == TURN_WRITTEN)
		print_note("reading back shows other records; planned anew:");
	print_plan(desired, plan, &counts);
	enum turn turn = plan->changes.count == 0 || is_dry
			     ? TURN_DONE
			     : change(run, desired, zone, present, &plan->changes, err);
	if (turn == TURN_WRITTEN || is_dry)
		print_add_counts(&run->counts, &counts);
	return turn;
}

/* Reads, plans and writes.  `before` is how the turn before ended. */
static enum turn take_turn(struct run *run, const struct desired_records *desired,
			   const struct zone *zone, enum turn before, struct error *err)
{
	AUTO_CLOSE int lock = run->request->dry_run ? -1 : journal_lock(&run->journal, err);
	AUTO_RECORDS struct record_list present = {0};
	struct plan plan;
	enum turn turn = TURN_FAILED;

	if (lock < 0 && !run->request->dry_run)
		return TURN_FAILED;
	plan_init(&plan);
	if (read_and_plan(run, desired, zone, &present, &plan, err) != 0)
		turn = TURN_FAILED;
	else if (before == TURN_WRITTEN && plan.changes.count == 0)
		turn = TURN_DONE; /* the proof that it was made */
	else
		turn = carry_out(run, desired, zone, before, &present, &plan, err);
	plan_free(&plan);
	return turn;
}

static int do_name(struct run *run, const struct desired_records *desired, struct error *err)
{
	enum turn turn = TURN_DONE;
	struct zone zone;

	if (provider_zone(&run->provider, desired->name, desired->name, &zone, err) != 0 ||
	    check_delegation(run, desired, &zone, err) != 0)
		return -1;
	for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		turn = take_turn(run, desired, &zone, turn, err);
		if (turn == TURN_FAILED || turn == TURN_DONE)
			return turn == TURN_DONE ? 0 : -1;
	}
	if (turn == TURN_OVERTAKEN)
		return error_set(err, EXIT_FAILED, "somebody else keeps changing the records of %s",
				 desired->name);
	return error_set(err, EXIT_FAILED,
			 "%s took the changes of %s, but reading back shows other records: "
			 "somebody else keeps changing them, or it does not allow them together",
			 run->provider.class->name, desired->name);
}

/* ---- all names */

/* What went wrong so far. */
struct failures {
	size_t count;
	size_t refusals; /* of the credentials, in a row */
	struct error last;
	enum exit_code code; /* the first that says more than "failed" */
};

/* Whether the next name would fail for the same reason: the provider does not answer, or refuses
 * the credentials.  A single refusal may be about one zone only. */
static bool is_hopeless(const struct failures *failures)
{
	return (failures->last.code != EXIT_FAILED && failures->last.code != EXIT_BAD_CONFIG) ||
	       failures->refusals == REFUSALS_MAX;
}

static void count_failure(struct failures *failures, const struct error *failure)
{
	failures->count++;
	failures->last = *failure;
	failures->refusals = failure->code == EXIT_BAD_CONFIG ? failures->refusals + 1 : 0;
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

static int do_names(struct run *run, const struct desired_list *names, struct error *err)
{
	struct failures failures = {.last = ERROR_INIT, .code = EXIT_FAILED};
	size_t done = 0;

	while (done < names->count && !is_hopeless(&failures)) {
		const struct desired_records *desired = &names->items[done++];
		/* Each name has an error object of its own: a call that failed and then
		 * succeeded leaves its first error in it. */
		struct error failure = ERROR_INIT;
		if (do_name(run, desired, &failure) == 0) {
			failures.refusals = 0;
			continue;
		}
		print_failure(desired, &failure);
		count_failure(&failures, &failure);
	}
	print_summary(&run->counts, run->request->dry_run, failures.count > 0, run->is_partial);
	return failures.count == 0 ? 0 : report_failures(&failures, done, names->count, err);
}

/*
 * For a provider that can only answer challenges: prints which records the operator has to make, as
 * far as DNS does not show them yet.  False when DNS cannot be asked or another record is in the
 * way; that is printed and is no failure, since an order may succeed all the same.
 */
static bool tell(struct run *run, const struct desired_records *desired)
{
	AUTO_RECORDS struct record_list present = {0};
	struct error doubt = ERROR_INIT;
	struct plan plan;
	domain_name zone = "";

	plan_init(&plan);
	bool is_seen = seen_records(&run->view, desired->name, zone, &present, &doubt) == 0;
	if (!is_seen) {
		say_into(&plan.warnings, "cannot tell what is there already: %s", doubt.text);
		record_list_free(&present);
	}
	bool is_clear = work_out(run, desired, zone, &present, &plan, &doubt) == 0;
	if (!is_clear)
		say_into(&plan.warnings, "%s", doubt.text);
	print_plan(desired, &plan, &run->counts);
	plan_free(&plan);
	return is_seen && is_clear;
}

static void tell_all(struct run *run, const struct desired_list *names)
{
	bool is_clear = true;

	for (size_t i = 0; i < names->count; i++)
		is_clear = tell(run, &names->items[i]) && is_clear;
	print_by_hand(&run->counts, run->provider.class->name, !is_clear);
}

static int prepare(struct run *run, unsigned *kinds, struct error *err)
{
	const struct settings *settings = run->settings;

	if (choose_kinds(run, kinds, err) != 0 || *kinds == 0)
		return *kinds == 0 ? 0 : -1;
	if (provider_open(&run->provider, settings, err) != 0 ||
	    dns_view_init(&run->view, settings, err) != 0)
		return -1;
	if (!run->request->dry_run && run->provider.class->list != NULL &&
	    journal_open(&run->journal, settings->letsencrypt_dir, err) != 0)
		return -1;
	return set_rules(run, *kinds, err);
}

int apply_run(const struct settings *settings, const struct apply_request *request,
	      struct error *err)
{
	struct run run = {.settings = settings, .request = request};
	struct desired_list names = {0};
	unsigned kinds = 0;
	int result = prepare(&run, &kinds, err);

	if (result == 0 && kinds != 0)
		result = desired_list_build(settings, request->domains, request->domain_count,
					    kinds, &names, err);
	if (result == 0 && kinds != 0 && run.provider.class->list == NULL)
		tell_all(&run, &names);
	else if (result == 0 && kinds != 0)
		result = do_names(&run, &names, err);
	desired_list_free(&names);
	record_list_free(&run.addresses);
	provider_close(&run.provider);
	journal_close(&run.journal);
	return result;
}
