/* HAProxy's workers as its master tells of them: whenever one comes, it is found. */
#include "test/unit/supervisor/fake_master.h"

#include "supervisor/haproxy/workers.h"

struct watched {
	struct fake_master master;
	struct workers *workers;
	struct error err;
	int awaited; /* looks go on until this one is there */
	unsigned in_vain;
	bool found, old_are_gone;
	char answers[512];
	unsigned answer_count, expected_answers;
	bool all_answered;
};

static bool on_seen(const struct master_processes *list, void *arg)
{
	struct watched *w = arg;

	if (list == NULL || list->worker != w->awaited) {
		w->in_vain++;
		return true;
	}
	w->found = true;
	w->old_are_gone = list->old_worker_count == 0;
	return false;
}

static void on_answer(const char *reply, void *arg)
{
	struct watched *w = arg;
	size_t length = strlen(w->answers);

	snprintf(w->answers + length, sizeof(w->answers) - length, "%s|",
		 reply == NULL ? "none" : reply);
	w->all_answered = ++w->answer_count == w->expected_answers;
}

static void open_watched(struct watched *w, const char *folder)
{
	*w = (struct watched){.awaited = 42, .err = ERROR_INIT};
	fake_master_open(&w->master, folder);
	w->workers = workers_new(w->master.base, w->master.socket_path, on_seen, w, &w->err);
	assert_non_null(w->workers);
}

static void close_watched(struct watched *w)
{
	workers_free(w->workers);
	fake_master_close(&w->master);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fake_master *master = arg;

	(void)fd;
	(void)what;
	fake_master_listen(master);
}

static void a_worker_is_found_however_long_its_master_says_nothing(void **folder)
{
	struct watched w;

	open_watched(&w, *folder);
	w.master.worker = 42;
	w.master.silent = 3;
	/* Not even a socket at first. */
	event_base_once(w.master.base, -1, EV_TIMEOUT, on_time, &w.master,
			&(struct timeval){0, 200000});
	workers_look(w.workers);
	run_until(w.master.base, &w.found);
	assert_int_equal(workers_current(w.workers), 42);
	assert_true(w.in_vain >= 4);
	/* The pauses have grown: 20, 22, 24, 27 ms, ... */
	assert_true(w.in_vain <= 12);
	close_watched(&w);
}

/* HAProxy 3.1 and later list a worker before it serves. */
static void one_that_is_still_loading_is_not_taken(void **folder)
{
	struct watched w;

	open_watched(&w, *folder);
	fake_master_listen(&w.master);
	w.master.worker = w.master.deaf = 42;
	workers_look(w.workers);
	run_a_while(w.master.base);
	run_a_while(w.master.base);
	assert_false(w.found);
	assert_int_equal(workers_current(w.workers), 0);
	assert_true(w.in_vain > 0);
	w.master.deaf = 0;
	run_until(w.master.base, &w.found);
	close_watched(&w);
}

static void check_that_the_one_before_is_current(const char *folder, bool demotes)
{
	struct watched w;

	open_watched(&w, folder);
	fake_master_listen(&w.master);
	w.master.worker = w.awaited = 41;
	workers_look(w.workers);
	run_until(w.master.base, &w.found);
	w.awaited = 42;
	w.found = false;
	w.master.new_worker = w.master.deaf = 42;
	w.master.demotes = demotes;
	w.master.old_workers = 3;
	workers_look(w.workers);
	run_a_while(w.master.base);
	run_a_while(w.master.base);
	assert_false(w.found);
	assert_true(w.in_vain > 0);
	assert_int_equal(workers_current(w.workers), 41);
	assert_int_equal(workers_old_count(w.workers), 3);
	w.master.deaf = 0;
	run_until(w.master.base, &w.found);
	assert_int_equal(workers_current(w.workers), 42);
	close_watched(&w);
}

static void the_one_before_it_is_current_meanwhile(void **folder)
{
	check_that_the_one_before_is_current(*folder, false);
}

static void the_one_before_it_is_current_although_it_is_called_old(void **folder)
{
	check_that_the_one_before_is_current(*folder, true);
}

static void old_workers_are_counted_until_they_are_gone(void **folder)
{
	struct watched w;
	pid_t pids[2];

	open_watched(&w, *folder);
	fake_master_listen(&w.master);
	w.master.worker = 42;
	w.master.old_workers = 60;
	workers_look(w.workers);
	run_until(w.master.base, &w.found);
	assert_int_equal(workers_old_count(w.workers), 60);
	assert_int_equal(workers_old(w.workers, pids, 2), 2);
	assert_int_equal(pids[1], 1001);
	w.master.old_workers = 0;
	run_until(w.master.base, &w.old_are_gone);
	assert_int_equal(workers_old_count(w.workers), 0);
	/* And nobody asks on. */
	unsigned shown = w.master.shown;
	assert_int_equal(shown, 2);
	close_watched(&w);
}

static void commands_reach_their_worker_in_order(void **folder)
{
	struct watched w;

	open_watched(&w, *folder);
	fake_master_listen(&w.master);
	w.expected_answers = 3;
	assert_int_equal(workers_command(w.workers, 42, "show stat", on_answer, &w, &w.err), 0);
	assert_int_equal(workers_command(w.workers, 99, "show stat", on_answer, &w, &w.err), 0);
	assert_int_equal(workers_command(w.workers, 43, "a; b", on_answer, &w, &w.err), 0);
	assert_string_equal(w.answers, ""); /* later, from the loop */
	run_until(w.master.base, &w.all_answered);
	assert_string_equal(w.master.commands, "@!42; show stat\n@!43; a; b\n");
	assert_string_equal(w.answers, "did @!42; show stat\n|none|did @!43; a; b\n|");
	close_watched(&w);
}

static void commands_have_a_limit_and_end_with_haproxy(void **folder)
{
	struct watched w;
	char long_text[WORKERS_COMMAND_LENGTH_MAX + 2];

	open_watched(&w, *folder);
	for (int i = 0; i < WORKERS_COMMANDS_MAX; i++)
		assert_int_equal(workers_command(w.workers, 42, "x", on_answer, &w, &w.err), 0);
	assert_int_equal(workers_command(w.workers, 42, "x", on_answer, &w, &w.err), -1);
	assert_int_equal(w.err.code, EXIT_TRY_LATER);
	workers_forget(w.workers);
	assert_int_equal(w.answer_count, WORKERS_COMMANDS_MAX);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(workers_command(w.workers, 42, long_text, on_answer, &w, &w.err), -1);
	/* One that waits when all of it ends gets no answer, and leaks nothing. */
	assert_int_equal(workers_command(w.workers, 42, "x", on_answer, &w, &w.err), 0);
	close_watched(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_worker_is_found_however_long_its_master_says_nothing),
	    scratch_test(one_that_is_still_loading_is_not_taken),
	    scratch_test(the_one_before_it_is_current_meanwhile),
	    scratch_test(the_one_before_it_is_current_although_it_is_called_old),
	    scratch_test(old_workers_are_counted_until_they_are_gone),
	    scratch_test(commands_reach_their_worker_in_order),
	    scratch_test(commands_have_a_limit_and_end_with_haproxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
