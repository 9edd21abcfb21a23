/* How words become a command, its options and its arguments. */
#include "unit.h"

#include "common/command_line.h"

enum { WORDS_MAX = 12 };

struct values {
	const char *place, *said;
	bool all;
	long number;
	/* What was run, with what. */
	const char *command;
	char arguments[128];
};

static int note(void *values, const char *command, char **arguments, size_t count)
{
	struct values *v = values;

	v->command = command;
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(v->arguments);
		snprintf(v->arguments + used, sizeof(v->arguments) - used, "<%s>", arguments[i]);
	}
	return 0;
}

static int run_show(void *values, char **arguments, size_t count, struct error *err)
{
	(void)err;
	return note(values, "show", arguments, count);
}

static int run_set_one(void *values, char **arguments, size_t count, struct error *err)
{
	(void)err;
	return note(values, "set one", arguments, count);
}

static int run_fail(void *values, char **arguments, size_t count, struct error *err)
{
	(void)values;
	(void)arguments;
	(void)count;
	return error_set(err, EXIT_UNREACHABLE, "nobody is there");
}

static int take_number(void *values, const struct command_option *option, char *text,
		       struct error *err)
{
	struct values *v = values;

	return option_number(option->name, text, 1, 9, &v->number, err);
}

#define PLACE(member) .place = offsetof(struct values, member)

static const struct command_option program_options[] = {
    {.name = "place", .value = "PATH", PLACE(place)},
    {.name = NULL},
};

static const struct command_option show_options[] = {
    {.name = "all", PLACE(all)},
    {.name = "said", .value = "TEXT", PLACE(said)},
    {.name = "number", .value = "N", .take = take_number},
    {.name = NULL},
};

static const struct command_option set_options[] = {
    {.name = "number", .value = "N", .take = take_number, .is_needed = true},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "show",
     .arguments = "[NAME]...",
     .most = 2,
     .help = "shows",
     .options = show_options,
     .takes_program_options = true,
     .run = run_show},
    {.name = "set one",
     .arguments = "VALUE",
     .least = 1,
     .most = 1,
     .help = "sets",
     .options = set_options,
     .options_first = true,
     .run = run_set_one},
    {.name = "fail", .arguments = "", .help = "fails", .run = run_fail},
};

static const struct program program = {
    .name = "thing",
    .options = program_options,
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .is_for_people = true,
};

static int run_words(struct values *v, const char *const *words)
{
	char texts[WORDS_MAX][64];
	char *argv[WORDS_MAX + 1] = {0};
	int argc = 0;

	for (; words[argc] != NULL; argc++) {
		snprintf(texts[argc], sizeof(texts[argc]), "%s", words[argc]);
		argv[argc] = texts[argc];
	}
	*v = (struct values){.place = "unset", .said = "unset"};
	int status = command_line_run(&program, argc, argv, v);
	/* They point into `texts`. */
	v->place = strcmp(v->place, "unset") == 0 ? "unset" : "given";
	v->said = strcmp(v->said, "unset") == 0 ? "unset" : "given";
	return status;
}

#define RUN(v, ...) run_words(v, (const char *const[]){"thing", __VA_ARGS__ __VA_OPT__(, ) NULL})

#define assert_shown(v, all_is, arguments_are)                      \
	do {                                                        \
		assert_string_equal((v)->command, "show");          \
		assert_int_equal((v)->all, all_is);                 \
		assert_string_equal((v)->arguments, arguments_are); \
	} while (0)

static void options_stand_anywhere_behind_their_command(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(RUN(&v, "show"), 0);
	assert_shown(&v, false, "");
	assert_int_equal(RUN(&v, "show", "a", "--all", "b", "--said", "--all"), 0);
	assert_shown(&v, true, "<a><b>");
	assert_string_equal(v.said, "given");
	assert_int_equal(RUN(&v, "show", "--said=", "--number=9", "-"), 0);
	assert_shown(&v, false, "<->");
	assert_string_equal(v.said, "given");
	assert_int_equal(v.number, 9);
	assert_int_equal(RUN(&v, "show", "--", "--all", "--"), 0);
	assert_shown(&v, false, "<--all><-->");
}

static void those_of_the_program_stand_in_front_too(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(RUN(&v, "--place", "x", "show", "--all"), 0);
	assert_shown(&v, true, "");
	assert_string_equal(v.place, "given");
	assert_int_equal(RUN(&v, "show", "--place=x"), 0);
	assert_string_equal(v.place, "given");
	assert_int_equal(RUN(&v, "--place", "x", "set", "one", "--number", "1", "v"), 0);
	assert_int_equal(RUN(&v, "set", "one", "--place", "x", "--number", "1", "v"), 64);
	assert_int_equal(RUN(&v, "--all", "show"), 64);
}

static void behind_the_first_argument_all_may_be_arguments(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(RUN(&v, "set", "one", "--number", "1", "v"), 0);
	assert_string_equal(v.command, "set one");
	assert_string_equal(v.arguments, "<v>");
	assert_int_equal(RUN(&v, "set", "one", "--number", "1", "--", "-v"), 0);
	assert_string_equal(v.arguments, "<-v>");
	assert_int_equal(RUN(&v, "set", "one", "--number", "1", "v", "--number"), 64);
	assert_int_equal(RUN(&v, "set", "one", "-v", "--number", "1"), 64);
}

static void what_is_wrong_is_not_run(void **state)
{
	static const char *const wrong[][WORDS_MAX] = {
	    {"thing"},
	    {"thing", "--"},
	    {"thing", "nothing"},
	    {"thing", ""},
	    {"thing", "set"},
	    {"thing", "set", "two"},
	    {"thing", "set one", "--number", "1", "v"},
	    {"thing", "set", "one", "v"},
	    {"thing", "set", "one", "--number", "1"},
	    {"thing", "set", "one", "--number", "0", "v"},
	    {"thing", "set", "one", "--number", "1x", "v"},
	    {"thing", "set", "one", "--number", "", "v"},
	    {"thing", "set", "one", "--number"},
	    {"thing", "show", "a", "b", "c"},
	    {"thing", "show", "--al"},
	    {"thing", "show", "--allx"},
	    {"thing", "show", "--all=yes"},
	    {"thing", "show", "-a"},
	    {"thing", "show", "--="},
	    {"thing", "show", "--version"},
	    {"thing", "fail", "--all"},
	};
	struct values v;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status = run_words(&v, wrong[i]);
		if (status != EXIT_USAGE_ERROR || v.command != NULL)
			fail_msg("%s %s: status %d", wrong[i][1], wrong[i][2], status);
	}
}

static void a_failure_is_the_exit_status(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(RUN(&v, "fail"), EXIT_UNREACHABLE);
}

static void help_and_version_run_nothing(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(RUN(&v, "--help"), 0);
	assert_null(v.command);
	assert_int_equal(RUN(&v, "--version"), 0);
	assert_int_equal(RUN(&v, "set", "one", "--help"), 0);
	assert_null(v.command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_stand_anywhere_behind_their_command),
	    cmocka_unit_test(those_of_the_program_stand_in_front_too),
	    cmocka_unit_test(behind_the_first_argument_all_may_be_arguments),
	    cmocka_unit_test(what_is_wrong_is_not_run),
	    cmocka_unit_test(a_failure_is_the_exit_status),
	    cmocka_unit_test(help_and_version_run_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
