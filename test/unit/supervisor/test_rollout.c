/* A new configuration for a running HAProxy: what counts as success, and what becomes of it when
 * the master is slow, deaf, or gone. */
#include "test/unit/supervisor/fake_master.h"

#include "supervisor/haproxy/rollout.h"

struct site {
	struct fake_master master;
	struct process_table *processes;
	struct generations generations;
	struct workers *workers;
	struct rollout *rollout;
	struct error err;
	bool is_running, answered;
	const char *text; /* of the configuration */
	const char *then; /* what a refused configuration is written with again; NULL: it is not */
	char said[ERROR_TEXT_MAX]; /* "" success */
};

static int render(void *arg, const char *folder, struct error *err)
{
	const struct site *site = arg;
	char *path = file_join(folder, "haproxy.cfg");
	int rc = file_write(path, 0600, site->text, strlen(site->text), err);

	free(path);
	return rc;
}

static bool is_running(void *arg)
{
	const struct site *site = arg;

	return site->is_running;
}

static bool leave_out(const char *words, void *arg)
{
	struct site *site = arg;

	if (site->then == NULL)
		return false;
	assert_contains(words, "refused: ");
	site->text = site->then;
	site->then = NULL;
	return true;
}

static bool on_seen(const struct master_processes *list, void *arg)
{
	struct site *site = arg;

	return rollout_seen(site->rollout, list) || list == NULL || list->worker == 0;
}

static void on_outcome(const struct error *err, void *arg)
{
	struct site *site = arg;

	site->answered = true;
	snprintf(site->said, sizeof(site->said), "%s", err == NULL ? "" : err->text);
}

/* `haproxy -c` is the program: one that accepts everything, or nothing. */
static void open_site(struct site *site, const char *folder, const char *program)
{
	*site = (struct site){.is_running = true, .text = "x", .err = ERROR_INIT};
	fake_master_open(&site->master, folder);
	site->processes = process_table_new(site->master.base, &site->err);
	assert_non_null(site->processes);
	assert_int_equal(generations_open(&site->generations, folder, render, site, &site->err), 0);
	assert_int_equal(generations_make(&site->generations, 1, &site->err), 0);
	assert_int_equal(generations_link(&site->generations, 1, &site->err), 0);
	site->generations.in_effect = 1;
	site->workers =
	    workers_new(site->master.base, site->master.socket_path, on_seen, site, &site->err);
	assert_non_null(site->workers);
	site->rollout = rollout_new(&(struct rollout_options){site->processes, &site->generations,
							      site->workers, program, is_running,
							      leave_out, site},
				    &site->err);
	assert_non_null(site->rollout);
	site->master.worker = 41;
	site->master.next_worker = 42;
	fake_master_listen(&site->master);
}

static void close_site(struct site *site)
{
	process_table_free(site->processes);
	rollout_free(site->rollout);
	workers_free(site->workers);
	fake_master_close(&site->master);
}

static void request(struct site *site)
{
	site->answered = false;
	assert_int_equal(rollout_request(site->rollout, on_outcome, site, &site->err), 0);
}

/* generation-N, where the link `current` leads, and the only folder that is left */
static void assert_current(const struct site *site, const char *expected)
{
	char target[64], link[GENERATIONS_PATH_MAX], config[GENERATIONS_PATH_MAX];

	snprintf(link, sizeof(link), "%s/current", site->generations.folder);
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	assert_string_equal(target, expected);
	for (unsigned long i = 1; i < 5; i++) {
		snprintf(target, sizeof(target), "generation-%lu", i);
		generations_config(&site->generations, i, config);
		assert_int_equal(access(config, F_OK) == 0, strcmp(target, expected) == 0);
	}
}

static void a_new_worker_is_success(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_int_equal(workers_current(site.workers), 42);
	assert_current(&site, "generation-2");
	assert_true(rollout_applied_at(site.rollout) > 0);
	assert_int_equal(rollout_loading_since(site.rollout), 0);
	close_site(&site);
}

/* `haproxy -c` that refuses a configuration of one word. */
static void write_refusing(const char *folder, char path[256])
{
	static const char script[] = "#!/bin/sh\n"
				     "grep -q bad \"$3\" || exit 0\n"
				     "echo '[ALERT] refused: bad' >&2\n"
				     "echo '[ALERT] Fatal errors found in configuration.' >&2\n"
				     "exit 1\n";
	struct error err = ERROR_INIT;

	snprintf(path, 256, "%s/refusing", folder);
	assert_int_equal(file_write(path, 0700, script, strlen(script), &err), 0);
}

static void what_the_check_refuses_is_not_loaded(void **folder)
{
	struct site site;
	char program[256];

	write_refusing(*folder, program);
	open_site(&site, *folder, program);
	site.text = "bad";
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_contains(site.said, "HAProxy refuses the new configuration");
	assert_int_equal(site.master.reload_count, 0);
	assert_current(&site, "generation-1");
	close_site(&site);
}

static void why_there_is_no_judgement_is_told(void **folder)
{
	static const struct {
		const char *said, *told;
	} kinds[] = {
	    {"haproxy: cannot open shared object file", "haproxy: cannot open shared object file"},
	    {"[ALERT] parsing :\n  no start line.\n[ALERT] Error(s) found in configuration file",
	     "no start line."},
	};
	struct error err = ERROR_INIT;
	char own[200], path[256], script[256];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct site site;
		snprintf(own, sizeof(own), "%s/%zu", (char *)*folder, i);
		assert_int_equal(file_make_dirs(own, 0700, &err), 0);
		snprintf(path, sizeof(path), "%s/broken", own);
		snprintf(script, sizeof(script), "#!/bin/sh\necho '%s' >&2\nexit 127\n",
			 kinds[i].said);
		assert_int_equal(file_write(path, 0700, script, strlen(script), &err), 0);
		open_site(&site, own, path);
		request(&site);
		run_until(site.master.base, &site.answered);
		snprintf(script, sizeof(script), "HAProxy refuses the new configuration: %s",
			 kinds[i].told);
		assert_string_equal(site.said, script);
		close_site(&site);
	}
}

static void what_can_be_left_out_is_and_the_rest_is_loaded(void **folder)
{
	struct site site;
	char program[256];

	write_refusing(*folder, program);
	open_site(&site, *folder, program);
	site.text = "bad";
	site.then = "x";
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_null(site.then);
	assert_true(rollout_is_idle(site.rollout));
	assert_current(&site, "generation-2");
	/* Where that does not help, there is an end. */
	site.text = site.then = "bad";
	request(&site);
	assert_false(rollout_is_idle(site.rollout));
	run_until(site.master.base, &site.answered);
	assert_contains(site.said, "HAProxy refuses the new configuration: [ALERT] refused: bad");
	assert_current(&site, "generation-2");
	close_site(&site);
}

static void a_reload_that_fails_goes_back_and_the_next_one_works(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.master.refuses = true;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_contains(site.said, "the reload failed");
	assert_string_equal(rollout_error(site.rollout), site.said);
	assert_current(&site, "generation-1");
	/* The master still says "[failed: 1]" when the next one begins. */
	site.master.refuses = false;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_current(&site, "generation-2");
	close_site(&site);
}

/* HAProxy 3.1 and later: no worker, no word of a failure, and the one that serves called old. */
static void a_reload_that_starts_no_worker_has_failed_and_the_next_one_works(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.master.next_worker = 0;
	site.master.demotes = true;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_contains(site.said, "the reload failed");
	assert_int_equal(site.master.reload_count, 1);
	assert_int_equal(workers_current(site.workers), 41);
	assert_current(&site, "generation-1");
	site.master.next_worker = 42;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_current(&site, "generation-2");
	close_site(&site);
}

/* Its list is of no use while it loads, and a worker may come long after. */
static void a_master_that_is_silent_for_long_is_waited_for(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.master.silent = 5;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_current(&site, "generation-2");
	close_site(&site);
}

static void a_first_worker_that_is_still_loading_is_waited_for(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.master.worker = 0;
	request(&site);
	run_a_while(site.master.base);
	assert_false(site.answered);
	assert_int_equal(site.master.reload_count, 0);
	site.master.worker = 41;
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_int_equal(workers_current(site.workers), 42);
	close_site(&site);
}

static void a_reload_that_got_lost_is_repeated(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.master.lost = 1;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_string_equal(site.said, "");
	assert_int_equal(site.master.reload_count, 2);
	assert_current(&site, "generation-2");
	close_site(&site);
}

static void haproxys_end_goes_back_during_a_reload(void **folder)
{
	struct site site;
	struct error why = ERROR_INIT;

	open_site(&site, *folder, "/bin/true");
	site.master.deaf = site.master.next_worker; /* it loads, and loads */
	request(&site);
	run_a_while(site.master.base);
	assert_int_equal(site.master.reload_count, 1);
	assert_true(rollout_loading_since(site.rollout) > 0);
	workers_forget(site.workers);
	error_set(&why, EXIT_FAILED, "HAProxy was killed");
	rollout_haproxy_ended(site.rollout, &why);
	assert_true(site.answered);
	assert_string_equal(site.said, "HAProxy was killed");
	assert_current(&site, "generation-1");
	close_site(&site);
}

static void without_haproxy_its_next_start_takes_the_new_one(void **folder)
{
	struct site site;

	open_site(&site, *folder, "/bin/true");
	site.is_running = false;
	request(&site);
	run_until(site.master.base, &site.answered);
	assert_contains(site.said, "it is being started with the new configuration");
	assert_current(&site, "generation-2");
	close_site(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_new_worker_is_success),
	    scratch_test(what_the_check_refuses_is_not_loaded),
	    scratch_test(why_there_is_no_judgement_is_told),
	    scratch_test(what_can_be_left_out_is_and_the_rest_is_loaded),
	    scratch_test(a_reload_that_fails_goes_back_and_the_next_one_works),
	    scratch_test(a_reload_that_starts_no_worker_has_failed_and_the_next_one_works),
	    scratch_test(a_master_that_is_silent_for_long_is_waited_for),
	    scratch_test(a_first_worker_that_is_still_loading_is_waited_for),
	    scratch_test(a_reload_that_got_lost_is_repeated),
	    scratch_test(haproxys_end_goes_back_during_a_reload),
	    scratch_test(without_haproxy_its_next_start_takes_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
