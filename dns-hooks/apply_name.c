#include "dns-hooks/apply_name.h"

#include "common/file.h"
#include "common/log.h"
#include "dns-hooks/apply_operator.h"
#include "dns-hooks/resolve/zone_check.h"
#include "dns-hooks/rivals.h"

enum { ATTEMPTS_MAX = 4 };

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
		if (work->is_logged) /* an order that needs DNS tells of it */
			log_debug("%s", doubt.text);
		else
			print_doubt(&doubt);
		work->is_dns_silent = true;
		return 0;
	}
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
	TURN_REFUSED,	/* the credentials do not reach the name */
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
	error_wrap(err, "cannot change the records of %s", desired->name);
	if (err->code == EXIT_BAD_CONFIG)
		return TURN_REFUSED;
	work->is_partial = true;
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

/* Nothing is called made before it is; what could not be made is the error's to tell. */
static void log_changes(const struct desired_records *desired, const struct plan *plan,
			enum turn turn)
{
	if (turn != TURN_OVERTAKEN)
		print_changes_to_log(desired, plan,
				     turn == TURN_WRITTEN ? PRINT_MADE : PRINT_TRIED);
}

/* Who looks on sees a plan before it is carried out; its changes are counted afterwards. */
static enum turn carry_out(struct apply_work *work, const struct desired_records *desired,
			   const struct zone *zone, enum turn before,
			   const struct record_list *present, struct plan *plan, struct error *err)
{
	bool is_dry = work->is_dry;

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
		print_warnings_to_log(desired, plan);
	else
		print_plan(desired, plan);
	enum turn turn = plan->changes.count == 0 || is_dry
			     ? TURN_DONE
			     : change(work, desired, zone, present, &plan->changes, err);
	if (work->is_logged)
		log_changes(desired, plan, turn);
	if (turn == TURN_WRITTEN || is_dry)
		print_count(plan, &work->counts);
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
		turn = err->code == EXIT_BAD_CONFIG ? TURN_REFUSED : TURN_FAILED;
	else if (before == TURN_WRITTEN && plan.changes.count == 0)
		turn = TURN_DONE; /* the proof that it was made */
	else
		turn = carry_out(work, desired, zone, before, &present, &plan, err);
	plan_free(&plan);
	return turn;
}

/* Ends with TURN_DONE, TURN_REFUSED or TURN_FAILED. */
static enum turn take_turns(struct apply_work *work, const struct desired_records *desired,
			    const struct zone *zone, struct error *err)
{
	enum turn turn = TURN_DONE;

	for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		turn = take_turn(work, desired, zone, turn, err);
		if (turn == TURN_FAILED || turn == TURN_REFUSED || turn == TURN_DONE)
			return turn;
	}
	if (turn == TURN_OVERTAKEN)
		provider_overtaken(desired->name, EXIT_FAILED, err);
	else
		error_set(err, EXIT_FAILED,
			  "%s took the changes of %s, but reading back shows other records: "
			  "somebody else keeps changing them, or it does not allow them together",
			  work->provider.class->name, desired->name);
	return TURN_FAILED;
}

int apply_name(struct apply_work *work, const struct desired_records *desired, struct error *err)
{
	enum turn turn = TURN_REFUSED;
	struct zone zone;
	int found = provider_zone(&work->provider, desired->name, desired->name, &zone, err);

	if (found != 0 && found != PROVIDER_NO_ZONE)
		return -1;
	if (found == 0 && check_delegation(work, desired, &zone, err) == 0)
		turn = take_turns(work, desired, &zone, err);
	if (turn == TURN_DONE)
		return 0;
	/* Any other code: the provider could not be asked. */
	if (turn == TURN_FAILED && err->code != EXIT_FAILED)
		return -1;
	return apply_others_records(work, desired, turn == TURN_FAILED, err);
}
