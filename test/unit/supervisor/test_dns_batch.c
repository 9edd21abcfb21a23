/* Domains that share runs of ingress-dns, which is the test's own here. */
#include "test/unit/common/unit.h"

#include "common/settings.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/state.h"
#include "supervisor/steps/dns_batch.h"
#include "supervisor/steps/steps_account.h"

#include <stdio.h>
#include <string.h>

enum { DOMAINS = 100, RUNS = 40, LANES = 1 };

struct domain {
	size_t index;
	char name[16];
	int told; /* how often */
	bool were_there, has_looked;
	int missing;
	enum exit_code code;
	unsigned retry_after;
	char error[ERROR_TEXT_MAX];
};

struct fake_run {
	char words[4096];
	int results;
	process_done *done;
	void *arg;
};

static struct settings settings = {.domain_count = DOMAINS};
static struct domain domains[DOMAINS];
static struct fake_run runs[RUNS];
static size_t started;
static bool cannot_start;
static struct lane lane;
static struct dns_batch *batch;

/* ---- in place of the supervisor's */

size_t domain_index(const struct domain *domain)
{
	return domain->index;
}

const char *domain_called(const struct domain *domain)
{
	return domain->name;
}

const char *steps_account_uri(const struct steps_account *accounts)
{
	(void)accounts;
	return "https://ca/1";
}

const char *state_app_id(const struct state *state)
{
	(void)state;
	return "id";
}

struct process *jobs_start(const struct jobs *jobs, const struct job *job, struct error *err)
{
	struct fake_run *run = &runs[started];
	size_t length = 0;

	(void)jobs;
	if (cannot_start) {
		error_set(err, EXIT_TRY_LATER, "no processes");
		return NULL;
	}
	assert_true(started++ < RUNS);
	assert_string_equal(job->extra[0], "APP_ID=id");
	for (size_t i = 0; job->words[i] != NULL; i++)
		length += (size_t)snprintf(run->words + length, sizeof(run->words) - length, "%s ",
					   job->words[i]);
	run->results = job->third_fd;
	run->done = job->done;
	run->arg = job->arg;
	return (struct process *)run;
}

/* ---- a run's life */

static void on_told(struct domain *domain, const struct dns_outcome *outcome)
{
	const struct error *err = outcome->err;

	domain->told++;
	domain->were_there = outcome->were_there;
	domain->missing = cJSON_GetArraySize(outcome->missing);
	domain->has_looked = outcome->has_looked;
	domain->code = err == NULL ? EXIT_OK : err->code;
	domain->retry_after = err == NULL ? 0 : err->retry_after;
	snprintf(domain->error, sizeof(domain->error), "%s", err == NULL ? "" : err->text);
}

static bool has(size_t run, size_t domain)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", domains[domain].name);
	return strstr(runs[run].words, word) != NULL;
}

static size_t count_of(size_t run)
{
	size_t count = 0;

	for (size_t i = 0; i < DOMAINS; i++)
		count += has(run, i);
	return count;
}

static void say(size_t run, size_t domain, const char *rest)
{
	assert_true(
	    dprintf(runs[run].results, "{\"domain\":\"%s\",%s}\n", domains[domain].name, rest) > 0);
}

static void end(size_t run, int status)
{
	const struct process_result result = {
	    .exit_code = status, .status = status << 8, .last_error = "its last words"};

	runs[run].done(&result, runs[run].arg);
}

/* All that run, and those that begin meanwhile, end well for all their domains. */
static void end_all_well(size_t first)
{
	for (size_t run = first; run < started; run++) {
		for (size_t i = 0; i < DOMAINS; i++)
			if (has(run, i))
				say(run, i, "\"exit_code\":0,\"error\":null,\"retry_after\":0");
		end(run, 0);
	}
}

static int make(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	lane_init(&lane, LANES);
	started = 0;
	cannot_start = false;
	memset(runs, 0, sizeof(runs));
	for (size_t i = 0; i < DOMAINS; i++) {
		domains[i] = (struct domain){.index = i};
		snprintf(domains[i].name, sizeof(domains[i].name), "n%zu.test", i);
	}
	batch = dns_batch_new(&(struct dns_batch_options){.settings = &settings,
							  .lane = &lane,
							  .kinds = "caa",
							  .what = "CAA record",
							  .done = on_told},
			      &err);
	return batch == NULL;
}

static int drop(void **state)
{
	(void)state;
	dns_batch_free(batch);
	return 0;
}

static void ask_all(void)
{
	for (size_t i = 0; i < DOMAINS; i++)
		dns_batch_ask(batch, &domains[i]);
}

/* ---- tests */

static void who_comes_first_waits_for_nobody_and_the_rest_share(void **state)
{
	(void)state;
	ask_all();
	assert_int_equal(started, 1);
	assert_string_equal(runs[0].words, "apply --only caa --results-fd 3 --account-uri "
					   "https://ca/1 n0.test ");
	end_all_well(0);
	assert_int_equal(started, 5); /* 1 + 32 + 32 + 32 + 3 */
	assert_int_equal(count_of(1), 32);
	for (size_t i = 0; i < DOMAINS; i++) {
		assert_int_equal(domains[i].told, 1);
		assert_int_equal(domains[i].code, EXIT_OK);
	}
	assert_int_equal(lane.running, 0);
	ask_all(); /* the next pass */
	end_all_well(5);
	assert_int_equal(domains[DOMAINS - 1].told, 2);
}

static void one_that_fails_fails_alone(void **state)
{
	(void)state;
	ask_all();
	end(0, 0);
	assert_int_equal(domains[0].code, EXIT_FAILED); /* it was alone: nothing was said of it */
	for (size_t i = 1; i < 32; i++)
		if (i == 7)
			say(1, i, "\"exit_code\":75,\"error\":\"busy\",\"retry_after\":9");
		else if (i == 9)
			say(1, i, "\"exit_code\":0,\"error\":\"not bound\",\"unchanged\":true");
		else
			say(1, i, "\"exit_code\":0,\"error\":null,\"retry_after\":0");
	say(1, 32, "\"exit_code\":0,\"error\":null,\"retry_after\":0,\"unchanged\":true");
	end(1, 0);
	assert_true(domains[32].were_there);
	assert_false(domains[31].were_there);
	assert_int_equal(domains[7].code, EXIT_TRY_LATER);
	assert_int_equal(domains[7].retry_after, 9);
	assert_string_equal(domains[7].error, "CAA record: busy");
	assert_int_equal(domains[6].code, EXIT_OK);
	assert_int_equal(domains[8].code, EXIT_OK);
	/* A note is no failure. */
	assert_int_equal(domains[9].code, EXIT_OK);
	assert_true(domains[9].were_there);
	assert_string_equal(domains[9].error, "CAA record: not bound");
}

static void what_is_the_operators_is_handed_on(void **state)
{
	(void)state;
	ask_all();
	say(0, 0,
	    "\"exit_code\":75,\"error\":\"x is missing\",\"operator\":["
	    "{\"type\":\"TXT\",\"name\":\"x\",\"value\":\"1\"},{\"type\":\"A\"}]");
	end(0, 0);
	assert_int_equal(domains[0].code, EXIT_TRY_LATER);
	assert_int_equal(domains[0].missing, 2);
	assert_true(domains[0].has_looked);
	/* None at all, and what is no list. */
	say(1, 1, "\"exit_code\":0,\"error\":null,\"operator\":[]");
	say(1, 2, "\"exit_code\":75,\"error\":\"busy\",\"operator\":{\"type\":\"TXT\"}");
	end(1, 0);
	assert_int_equal(domains[1].missing, 0);
	assert_true(domains[1].has_looked);
	assert_int_equal(domains[2].missing, 0);
	assert_false(domains[2].has_looked);
}

static void a_run_that_dies_costs_only_whom_it_dies_of(void **state)
{
	size_t dying = 0;

	(void)state;
	ask_all();
	say(0, 0, "\"exit_code\":0,\"error\":null,\"retry_after\":0");
	end(0, 0);
	for (size_t i = 1; i < 7; i++)
		say(1, i, "\"exit_code\":0,\"error\":null,\"retry_after\":0");
	end(1, 139); /* of the seventh */
	assert_int_equal(domains[6].told, 1);
	assert_int_equal(domains[7].told, 0);
	for (size_t run = 2; run < started; run++) {
		if (has(run, 7)) {
			assert_int_equal(count_of(run), 1);
			dying++;
			end(run, 139);
			continue;
		}
		for (size_t i = 0; i < DOMAINS; i++)
			if (has(run, i))
				say(run, i, "\"exit_code\":0,\"error\":null,\"retry_after\":0");
		end(run, 0);
	}
	assert_int_equal(dying, 1);
	assert_int_equal(domains[7].code, EXIT_FAILED);
	assert_string_equal(domains[7].error, "CAA record: its last words");
	for (size_t i = 0; i < DOMAINS; i++) {
		assert_int_equal(domains[i].told, 1);
		if (i != 7)
			assert_int_equal(domains[i].code, EXIT_OK);
	}
}

static void without_processes_all_are_told(void **state)
{
	(void)state;
	cannot_start = true;
	ask_all();
	for (size_t i = 0; i < DOMAINS; i++) {
		assert_int_equal(domains[i].told, 1);
		assert_int_equal(domains[i].code, EXIT_TRY_LATER);
	}
	assert_int_equal(lane.running, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_comes_first_waits_for_nobody_and_the_rest_share,
					    make, drop),
	    cmocka_unit_test_setup_teardown(one_that_fails_fails_alone, make, drop),
	    cmocka_unit_test_setup_teardown(what_is_the_operators_is_handed_on, make, drop),
	    cmocka_unit_test_setup_teardown(a_run_that_dies_costs_only_whom_it_dies_of, make, drop),
	    cmocka_unit_test_setup_teardown(without_processes_all_are_told, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
