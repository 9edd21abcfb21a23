/* What is told of a child that did not end well. */
#include "test/unit/common/unit.h"

#include "supervisor/children/container_memory.h"
#include "supervisor/children/process.h"

#include <signal.h>

/* As waitpid() gives them (wait(2)). */
#define EXITED(code) ((code) << 8)

static char killed[PROCESS_END_SIZE + 16];

static void each_end_is_told_as_what_it_was(void **state)
{
	static const struct {
		int status, exit_code;
		bool timed_out;
		const char *last_error;
		enum exit_code code;
		const char *text;
	} rows[] = {
	    {EXITED(75), 75, false, "busy", EXIT_TRY_LATER, "certbot: busy"},
	    {EXITED(3), 3, false, "no such zone", EXIT_FAILED, "certbot: no such zone"},
	    {EXITED(3), 3, false, "", EXIT_FAILED, "certbot: it exited with status 3"},
	    {SIGKILL, -1, false, "Saving debug log to x", EXIT_FAILED, killed},
	    {SIGSEGV, -1, false, "Saving debug log to x", EXIT_FAILED,
	     "certbot: it was killed by signal 11 (Segmentation fault)"},
	    {SIGKILL, -1, true, "still waiting", EXIT_TRY_LATER,
	     "certbot took too long and was ended"},
	};
	char words[MEMORY_WORDS_SIZE];

	(void)state;
	container_memory_why_killed(&container_memory_usual, words);
	snprintf(killed, sizeof(killed), "certbot: it was killed by signal 9 (Killed); %s", words);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct process_result result = {.status = rows[i].status,
						      .exit_code = rows[i].exit_code,
						      .timed_out = rows[i].timed_out,
						      .last_error = rows[i].last_error,
						      .tail = ""};
		struct error err = ERROR_INIT;
		assert_int_equal(process_check(&result, "certbot", &err), -1);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(err.code, rows[i].code);
	}
}

static void a_good_end_is_no_error(void **state)
{
	const struct process_result result = {.last_error = "a remark", .tail = ""};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(process_check(&result, "certbot", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_end_is_told_as_what_it_was),
	    cmocka_unit_test(a_good_end_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
