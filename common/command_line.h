/*
 * The command line of a program by a table: its commands, the options of each, and what --help says
 * of them.  What a command does not have is a usage error, and --help is every command's.
 */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

struct command_option;

/* Takes what an option is given; -1 with err (EXIT_USAGE_ERROR).  `values` as command_line_read()
 * got it, with the command's base added. */
typedef int option_take(void *values, const struct command_option *option, char *text,
			struct error *err);

struct command_option {
	const char *name;  /* without "--" */
	const char *value; /* how the help names its value, such as "PORT"; NULL: it takes none */
	const char *help;  /* for `COMMAND --help`; NULL: the command's own says it */
	/* Where in `values` it goes: a bool that becomes true, or the value as a const char *; with
	 * `take` whatever that makes of it. */
	size_t place;
	option_take *take;
	bool is_needed; /* the command cannot do without it */
};

/* Of every program (see error.h), for their notes. */
#define EXIT_STATUS_NOTES                                                                    \
	"Exit status: 0 ok, 1 failed, 64 usage, 69 a needed service is unreachable, 75 try " \
	"again\n"                                                                            \
	"later, 78 bad configuration.\n"

enum { ARGUMENTS_ANY = -1 };

struct command {
	/* One word or two ("dns plan"); "" for a program that has no commands but options. */
	const char *name;
	const char *arguments;		      /* how the help names them; "" for none */
	int least, most;		      /* how many there are; ARGUMENTS_ANY */
	const char *help;		      /* lines without an indent */
	const struct command_option *options; /* up to the one without a name; NULL for none */
	size_t base;			      /* of their places */
	bool takes_program_options;	      /* behind it as well as in front */
	/* What begins with '-' is an option in front of the first argument only. */
	bool options_first;
	/* The exit status, or -1 with err. */
	int (*run)(void *values, char **arguments, size_t count, struct error *err);
};

struct program {
	const char *name;
	const struct command_option *options; /* in front of the command; NULL for none */
	const struct command *commands;
	size_t command_count;
	const char *notes; /* the end of --help */
	/* Runs `command`, between what comes before and behind every one of them; NULL: nothing
	 * does. */
	int (*around)(const struct command *command, void *values, char **arguments, size_t count,
		      struct error *err);
	bool is_for_people; /* its errors do not go through the log */
};

/*
 * Reads the command line into `values` (texts are those of argv) and runs the command.  What goes
 * wrong is told once, in the log or, with `is_for_people`, plainly on standard error; behind a
 * usage error stands how the command is called.  The exit status.
 */
int command_line_run(const struct program *program, int argc, char **argv, void *values);

/* "443" as a whole number within those bounds; `name` is the option's.  -1 with err. */
int option_number(const char *name, const char *text, long least, long most, long *number,
		  struct error *err);

#endif
