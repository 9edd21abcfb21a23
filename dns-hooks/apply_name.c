#include "dns-hooks/apply_name.h"

#include "common/file.h"
#include "common/log.h"
#include "common/say.h"
#include "dns-hooks/resolve/zone_check.h"
#include "dns-hooks/rivals.h"

#include <arpa/inet.h>
#include <string.h>

enum { ATTEMPTS_MAX = 4 };

/* The gateway's addresses as public DNS has them: /etc/hosts holds for this container only. */
static int find_gateway(struct apply_work *work, struct error *err)
{
	const char *gateway = work->settings->gateway_domain;
	struct address_list found;

	if (work->addresses.count > 0)
		return 0;
	resolver_allow(&work->view.resolver, RESOLVER_BUDGET_MS);
	if (resolver_addresses(&work->view.resolver, gateway, 0, &found, err) != 0)
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
		    record_list_add(&work->addresses, &record, err) != 0)
			return -1;
	}
	if (work->addresses.count == 0)
		return error_set(
		    err, EXIT_FAILED,
		    "GATEWAY_DOMAIN (%s) has no address in DNS, so the alias cannot be "
		    "made of addresses",
		    gateway);
	return 0;
}

static int check_delegation(struct apply_work *work, const struct desired_records *desired,
			    const struct zone *zone, struct error *err)
{
	struct error doubt = ERROR_INIT;

	if (work->is_dns_silent)
		return 0;
	switch (zone_is_shadowed(&work->view, desired->name, zone->name, &doubt)) {
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
		if (work->is_logged)
			log_warn("%s", doubt.text);
		else
			print_doubt(&doubt);
		work->is_dns_silent = true;
		return 0;
	}
}

int apply_work_out(struct apply_work *work, const struct desired_records *desired, const char *zone,
		   const struct record_list *present, struct plan *plan, struct error *err)
{
	const char *why =
	    desired->alias ? plan_why_addresses(desired, zone, present, &work->rules) : NULL;

	if (why != NULL && find_gateway(work, err) != 0)
		return -1;
	if (plan_make(desired, zone, present, why == NULL ? NULL : &work->addresses, &work->rules,
		      plan, err) != 0)
		return -1;
	if (why != NULL && plan->changes.count > 0)
		say_into(&plan->notes, "addresses of %s instead of a CNAME: %s",
			 work->rules.gateway, why);
	return 0;
}

static int read_and_plan(struct apply_work *work, const struct desired_records *desired,
			 const struct zone *zone, struct record_list *present, struct plan *plan,
			 struct error *err)
{
	const struct provider_class *class = work->provider.class;

	if (class->list(work->provider.state, zone, desired->name, present, err) != 0)
		return error_wrap(err, "cannot read the records of %s", desired->name);
	return apply_work_out(work, desired, zone->name, present, plan, err);
}

enum turn {
	TURN_FAILED,
	TURN_WRITTEN,	/* the next one tells whether it was made */
	TURN_OVERTAKEN, /* other records are there than were read */
	TURN_DONE,	/* nothing was left to do */
};

static enum turn change(struct apply_work *work, const struct desired_records *desired,
			const struct zone *zone, const struct record_list *present,
			const struct change_list *changes, struct error *err)
{
	const struct provider_class *class = work->provider.class;
	int result =
	    class->change(work->provider.state, zone, desired->name, present, changes, err);

	journal_note_write(&work->journal, class->name, zone->name, result >= 0);
	if (result == PROVIDER_CHANGED_MEANWHILE)
		return TURN_OVERTAKEN;
	if (result == 0) {
		rivals_note(&work->journal, changes);
		return TURN_WRITTEN;
	}
	work->is_partial = true;
	error_wrap(err, "cannot change the records of %s", desired->name);
	return TURN_FAILED;
}

/* Whether the provider would refuse what is only to be shown. */
static int check(struct apply_work *work, const struct zone *zone, const char *name,
		 const struct plan *plan, struct error *err)
{
	const struct provider_class *class = work->provider.class;

	if (plan->changes.count == 0 || class->check == NULL ||
	    class->check(work->provider.state, zone, name, &plan->changes, err) == 0)
		return 0;
	return error_wrap(err, "cannot change the records of %s", name);
}

static void tell_note(const struct apply_work *work, const char *name, const char *note)
{
	if (work->is_logged)
		log_info("%s: %s", name, note);
	else
		print_note(note);
}

/* A plan is printed before it is carried out; its changes are counted afterwards. */
static enum turn carry_out(struct apply_work *work, const struct desired_records *desired,
			   const struct zone *zone, enum turn before,
			   const struct record_list *present, struct plan *plan, struct error *err)
{
	bool is_dry = work->is_dry;
	struct print_counts counts = {0};

	if (before == TURN_OVERTAKEN)
		tell_note(work, desired->name,
			  "somebody else changed these records meanwhile; planned anew:");
	else if (before == TURN_WRITTEN)
		tell_note(work, desired->name, "reading back shows other records; planned anew:");
	if (!is_dry)
		rivals_warn(&work->journal, plan);
	else if (check(work, zone, desired->name, plan, err) != 0)
		return TURN_FAILED;
	if (work->is_logged)
		print_plan_to_log(desired, plan, "", &counts);
	else
		print_plan(desired, plan, &counts);
	enum turn turn = plan->changes.count == 0 || is_dry
			     ? TURN_DONE
			     : change(work, desired, zone, present, &plan->changes, err);
	if (turn == TURN_WRITTEN || is_dry)
		print_add_counts(&work->counts, &counts);
	return turn;
}

/* Reads, plans and writes.  `before` is how the turn before ended. */
static enum turn take_turn(struct apply_work *work, const struct desired_records *desired,
			   const struct zone *zone, enum turn before, struct error *err)
{
	AUTO_CLOSE int lock = work->is_dry ? -1 : journal_lock(&work->journal, err);
	AUTO_RECORDS struct record_list present = {0};
	struct plan plan;
	enum turn turn = TURN_FAILED;

	if (lock < 0 && !work->is_dry)
		return TURN_FAILED;
	plan_init(&plan);
	if (read_and_plan(work, desired, zone, &present, &plan, err) != 0)
		turn = TURN_FAILED;
	else if (before == TURN_WRITTEN && plan.changes.count == 0)
		turn = TURN_DONE; /* the proof that it was made */
	else
		turn = carry_out(work, desired, zone, before, &present, &plan, err);
	plan_free(&plan);
	return turn;
}

int apply_name(struct apply_work *work, const struct desired_records *desired, struct error *err)
{
	enum turn turn = TURN_DONE;
	struct zone zone;

	if (provider_zone(&work->provider, desired->name, desired->name, &zone, err) != 0 ||
	    check_delegation(work, desired, &zone, err) != 0)
		return -1;
	for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		turn = take_turn(work, desired, &zone, turn, err);
		if (turn == TURN_FAILED || turn == TURN_DONE)
			return turn == TURN_DONE ? 0 : -1;
	}
	if (turn == TURN_OVERTAKEN)
		return provider_overtaken(desired->name, EXIT_FAILED, err);
	return error_set(err, EXIT_FAILED,
			 "%s took the changes of %s, but reading back shows other records: "
			 "somebody else keeps changing them, or it does not allow them together",
			 work->provider.class->name, desired->name);
}
