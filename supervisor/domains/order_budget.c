#include "supervisor/domains/order_budget.h"

#include <stdio.h>

static const struct bucket_size certificates_of_a_week = {.burst = 5, .refill = 34L * 3600};
static const struct bucket_size orders_of_an_account = {.burst = 300, .refill = 36};

static int refuse(struct error *err, time_t allowed, time_t now)
{
	err->retry_after = (unsigned)(allowed - now);
	return -1;
}

static int check_week(struct domain_record *record, time_t now, struct error *err)
{
	time_t allowed = bucket_next(&record->certificates, certificates_of_a_week, now);

	if (allowed <= now)
		return 0;
	error_set(err, EXIT_TRY_LATER,
		  "%s has got %u certificates within a week, as many as the CA's limit allows; the "
		  "next is possible in %ld s (ORDER_LIMITS)",
		  record->name, certificates_of_a_week.burst, (long)(allowed - now));
	return refuse(err, allowed, now);
}

static int check_account(const struct bucket *orders, time_t now, struct error *err)
{
	time_t allowed = bucket_next(orders, orders_of_an_account, now);

	if (allowed <= now)
		return 0;
	error_set(
	    err, EXIT_TRY_LATER,
	    "%u orders of all names within three hours, as many as the CA's limit allows; the "
	    "next is possible in %ld s (ORDER_LIMITS)",
	    orders_of_an_account.burst, (long)(allowed - now));
	return refuse(err, allowed, now);
}

int order_budget_check(const struct order_budget_options *options, struct domain_record *record,
		       bool is_covered, time_t now, struct error *err)
{
	time_t allowed = budget_next(&record->budget, now);

	if (allowed > now) {
		error_set(err, EXIT_TRY_LATER,
			  "%s has used its %d orders of this hour; the next is possible in %ld s",
			  record->name, BUDGET_ATTEMPTS, (long)(allowed - now));
		return refuse(err, allowed, now);
	}
	if (!options->has_limits_of_ca)
		return 0;
	if (is_covered && check_week(record, now, err) != 0)
		return -1;
	return check_account(state_orders(options->state), now, err);
}

int order_budget_spend(const struct order_budget_options *options, struct domain_record *record,
		       bool is_covered, time_t now, struct error *err)
{
	if (order_budget_check(options, record, is_covered, now, err) != 0)
		return -1;
	budget_spend(&record->budget, now);
	bucket_take(state_orders(options->state), orders_of_an_account, now);
	return state_save(options->state, err);
}

void order_budget_refund(const struct order_budget_options *options, struct domain_record *record)
{
	budget_refund(&record->budget);
	bucket_give_back(state_orders(options->state), orders_of_an_account);
}

void order_budget_issued(struct domain_record *record, const char *serial, time_t now)
{
	bucket_take(&record->certificates, certificates_of_a_week, now);
	record->issued_at = serial == NULL ? 0 : now;
	snprintf(record->issued_serial, sizeof(record->issued_serial), "%s",
		 serial == NULL ? "" : serial);
}
