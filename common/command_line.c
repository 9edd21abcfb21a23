#include "common/command_line.h"

#include "common/buffer.h"
#include "common/log.h"
#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTIONS_MAX = 48,
	SYNOPSIS_MAX = 512,
	OPTIONS_SHOWN_MAX = 4, /* more are "[OPTIONS]" */
	HELP_COLUMN = 32,
	SHOWN_MAX = 100, /* of a word that is not understood */
	HELP_CODE = 1,
	VERSION_CODE,
};

static size_t count_options(const struct command_option *options)
{
	size_t count = 0;

	while (options != NULL && options[count].name != NULL)
		count++;
	return count;
}

/* ---- help */

static void add_option(struct buffer *line, const struct command_option *option)
{
	bool has_value = option->value != NULL;

	buffer_printf(line, option->is_needed ? " --%s%s%s" : " [--%s%s%s]", option->name,
		      has_value ? " " : "", has_value ? option->value : "");
}

/* " ARGUMENTS [--option VALUE]..." */
static void add_synopsis(struct buffer *line, const struct command *command)
{
	size_t count = count_options(command->options);

	buffer_printf(line, "%s%s", command->arguments[0] == '\0' ? "" : " ", command->arguments);
	if (count > OPTIONS_SHOWN_MAX)
		buffer_puts(line, " [OPTIONS]");
	for (size_t i = 0; i < count && count <= OPTIONS_SHOWN_MAX; i++)
		add_option(line, &command->options[i]);
}

/* `left` and, from HELP_COLUMN on, the lines of `help`. */
static void print_row(const char *left, const char *help, FILE *out)
{
	bool fits = strlen(left) + 4 <= HELP_COLUMN;

	if (help == NULL || *help == '\0') {
		fprintf(out, "  %s\n", left);
		return;
	}
	if (fits)
		fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
	else
		fprintf(out, "  %s\n%*s", left, HELP_COLUMN, "");
	for (;;) {
		size_t length = strcspn(help, "\n");
		fprintf(out, "%.*s\n", (int)length, help);
		help += length;
		if (*help == '\0')
			return;
		help++;
		fprintf(out, "%*s", HELP_COLUMN, "");
	}
}

static void print_options(const struct command_option *options, FILE *out)
{
	for (const struct command_option *o = options; o != NULL && o->name != NULL; o++) {
		char left[SYNOPSIS_MAX];
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value == NULL ? "" : " ",
			 o->value == NULL ? "" : o->value);
		print_row(left, o->help, out);
	}
}

static void print_call(const struct program *program, const struct command *command, FILE *out)
{
	struct buffer line;

	buffer_init(&line, SYNOPSIS_MAX);
	buffer_puts(&line, program->name);
	if (command == NULL) {
		for (size_t i = 0; i < count_options(program->options); i++)
			add_option(&line, &program->options[i]);
		buffer_puts(&line, " COMMAND ...");
	} else {
		buffer_printf(&line, "%s%s", command->name[0] == '\0' ? "" : " ", command->name);
		add_synopsis(&line, command);
	}
	fprintf(out, "usage: %s\n", buffer_text(&line));
	buffer_free(&line);
}

static void print_commands(const struct program *program, FILE *out)
{
	for (size_t i = 0; i < program->command_count; i++) {
		struct buffer left;
		buffer_init(&left, SYNOPSIS_MAX);
		buffer_puts(&left, program->commands[i].name);
		add_synopsis(&left, &program->commands[i]);
		print_row(buffer_text(&left), program->commands[i].help, out);
		buffer_free(&left);
	}
	print_row("COMMAND --help", "the options of a command", out);
	print_row("--version", "", out);
}

/* Of the whole program when `command` is NULL. */
static void print_help(const struct program *program, const struct command *command, FILE *out)
{
	print_call(program, command, out);
	fputs("\n", out);
	if (command == NULL) {
		print_options(program->options, out);
		print_commands(program, out);
	} else {
		fprintf(out, "%s\n", command->help);
		if (count_options(command->options) > 0)
			fputs("\n", out);
		print_options(command->options, out);
		if (command->takes_program_options)
			print_options(program->options, out);
	}
	if (program->notes != NULL)
		fprintf(out, "\n%s", program->notes);
}

/* How that command is called (NULL: the program), and where there is more. */
static void print_usage(const struct program *program, const struct command *command, FILE *out)
{
	bool is_named = command != NULL && command->name[0] != '\0';

	print_call(program, command, out);
	fprintf(out, "`%s%s%s --help` tells more.\n", program->name, is_named ? " " : "",
		is_named ? command->name : "");
}

/* ---- reading */

struct command_line {
	const struct command *command; /* NULL: none was found */
	char **arguments;
	size_t count;
};

/* The options that may stand at one place. */
struct accepted {
	const struct command_option *options[OPTIONS_MAX];
	void *values[OPTIONS_MAX]; /* where each one's place is counted from */
	bool seen[OPTIONS_MAX];
	size_t count;
	bool has_version; /* --version as well as --help */
	const char *who;  /* in messages */
};

static void accept(struct accepted *accepted, const struct command_option *options, void *values)
{
	for (size_t i = 0; i < count_options(options) && accepted->count < OPTIONS_MAX; i++) {
		accepted->options[accepted->count] = &options[i];
		accepted->values[accepted->count++] = values;
	}
}

/* By its whole name: what is short for one option today is short for two tomorrow. */
static const struct command_option *find_option(struct accepted *accepted, const char *name,
						size_t length, void **values)
{
	for (size_t i = 0; i < accepted->count; i++) {
		const struct command_option *option = accepted->options[i];
		if (strlen(option->name) != length || strncmp(option->name, name, length) != 0)
			continue;
		accepted->seen[i] = true;
		*values = accepted->values[i];
		return option;
	}
	return NULL;
}

/* `value` is NULL for an option that takes none. */
static int put(const struct command_option *option, char *value, void *values, struct error *err)
{
	char *place = (char *)values + option->place;

	if (option->take != NULL)
		return option->take(values, option, value, err);
	if (value == NULL)
		*(bool *)(void *)place = true;
	else
		memcpy(place, &value, sizeof(value));
	return 0;
}

/* The option at argv[*at], which moves on where its value is the word behind it. */
static int take_option(struct accepted *accepted, int argc, char **argv, int *at, struct error *err)
{
	char *text = argv[*at];
	bool is_long = strncmp(text, "--", 2) == 0;
	size_t length = strcspn(text, "=");
	char *value = is_long && text[length] == '=' ? text + length + 1 : NULL;
	void *values = NULL;
	const struct command_option *option =
	    is_long ? find_option(accepted, text + 2, length - 2, &values) : NULL;

	if (option == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "%s has no option %.*s", accepted->who,
				 length > SHOWN_MAX ? SHOWN_MAX : (int)length, text);
	if (option->value == NULL && value != NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--%s takes no value", option->name);
	if (option->value != NULL && value == NULL && *at + 1 < argc)
		value = argv[++*at];
	if (option->value != NULL && value == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--%s needs a value: %s", option->name,
				 option->value);
	return put(option, value, values, err);
}

/*
 * The options among argv[1] and behind, up to "--"; with `first_only` up to the first argument. The
 * arguments move to argv[1] and behind, and `*argc` with them.  0, -1 with err, or the code of
 * --help or
 * --version.
 */
static int read_options(struct accepted *accepted, bool first_only, int *argc, char **argv,
			struct error *err)
{
	bool is_over = false;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		char *text = argv[i];
		if (is_over || text[0] != '-' || text[1] == '\0') {
			argv[kept++] = text;
			is_over = is_over || first_only;
		} else if (strcmp(text, "--") == 0) {
			is_over = true;
		} else if (strcmp(text, "--help") == 0) {
			return HELP_CODE;
		} else if (accepted->has_version && strcmp(text, "--version") == 0) {
			return VERSION_CODE;
		} else if (take_option(accepted, *argc, argv, &i, err) != 0) {
			return -1;
		}
	}
	*argc = kept;
	return 0;
}

/* How many words of argv the command's name is; 0: it is not that one. */
static int matches(const struct command *command, int argc, char **argv)
{
	const char *space = strchr(command->name, ' ');

	if (space == NULL)
		return argc > 0 && strcmp(command->name, argv[0]) == 0 ? 1 : 0;
	size_t length = (size_t)(space - command->name);
	return argc > 1 && strlen(argv[0]) == length &&
		       strncmp(command->name, argv[0], length) == 0 &&
		       strcmp(space + 1, argv[1]) == 0
		   ? 2
		   : 0;
}

/* "dns" alone, where there are "dns plan" and "dns apply". */
static int refuse_command(const struct program *program, const char *word, struct error *err)
{
	size_t length = strlen(word);
	struct buffer seconds;

	buffer_init(&seconds, SYNOPSIS_MAX);
	for (size_t i = 0; i < program->command_count; i++) {
		const char *name = program->commands[i].name;
		if (strncmp(name, word, length) == 0 && name[length] == ' ')
			buffer_printf(&seconds, "%s%s", seconds.length == 0 ? "" : ", ",
				      name + length + 1);
	}
	if (seconds.length > 0)
		error_set(err, EXIT_USAGE_ERROR, "%s needs one of: %s", word,
			  buffer_text(&seconds));
	else
		error_set(err, EXIT_USAGE_ERROR, "there is no command \"%.60s\"", word);
	buffer_free(&seconds);
	return -1;
}

/* Moves `*argc` and `*argv` behind its name, less one word, which stands for the program's. */
static const struct command *find_command(const struct program *program, int *argc, char ***argv)
{
	for (size_t i = 0; i < program->command_count; i++) {
		const struct command *command = &program->commands[i];
		int words = matches(command, *argc, *argv);
		if (words == 0)
			continue;
		*argc -= words - 1;
		*argv += words - 1;
		return command;
	}
	return NULL;
}

static int check_count(const struct command *command, const char *who, int count, char **arguments,
		       struct error *err)
{
	if (count < command->least)
		return error_set(err, EXIT_USAGE_ERROR, "%s needs %s", who, command->arguments);
	if (command->most != ARGUMENTS_ANY && count > command->most)
		return error_set(err, EXIT_USAGE_ERROR, "%s: unexpected argument \"%.100s\"", who,
				 arguments[command->most]);
	return 0;
}

static int check_needed(const struct accepted *accepted, struct error *err)
{
	for (size_t i = 0; i < accepted->count; i++)
		if (accepted->options[i]->is_needed && !accepted->seen[i])
			return error_set(
			    err, EXIT_USAGE_ERROR, "%s needs --%s%s%s", accepted->who,
			    accepted->options[i]->name,
			    accepted->options[i]->value == NULL ? "" : " ",
			    accepted->options[i]->value == NULL ? "" : accepted->options[i]->value);
	return 0;
}

static int show(const struct program *program, const struct command *command, int code,
		struct error *err)
{
	if (code == VERSION_CODE)
		printf("%s %s\n", program->name, VERSION);
	else
		print_help(program, command, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_set(err, EXIT_FAILED, "cannot write to standard output");
	return 1;
}

/* argv[0] is the last word of the command's name. */
static int read_command(const struct program *program, int argc, char **argv, void *values,
			struct command_line *line, struct error *err)
{
	const struct command *command = line->command;
	bool is_program = command->name[0] == '\0';
	struct accepted accepted = {
	    .who = is_program ? program->name : command->name,
	    .has_version = is_program,
	};

	accept(&accepted, command->options, (char *)values + command->base);
	if (command->takes_program_options)
		accept(&accepted, program->options, values);
	int code = read_options(&accepted, command->options_first, &argc, argv, err);
	if (code > 0)
		return show(program, command, code, err);
	line->arguments = argv + 1;
	line->count = (size_t)argc - 1;
	if (code != 0 || check_needed(&accepted, err) != 0)
		return -1;
	return check_count(command, accepted.who, argc - 1, line->arguments, err);
}

/* Fills `values` and `line`.  0; 1 if it has printed help or version, which was all that was
 * wanted; -1 with err. */
static int read_line(const struct program *program, int argc, char **argv, void *values,
		     struct command_line *line, struct error *err)
{
	struct accepted accepted = {.who = program->name, .has_version = true};

	*line = (struct command_line){0};
	if (program->commands[0].name[0] == '\0') {
		line->command = &program->commands[0];
		return read_command(program, argc, argv, values, line, err);
	}
	accept(&accepted, program->options, values);
	int code = read_options(&accepted, true, &argc, argv, err);
	if (code > 0)
		return show(program, NULL, code, err);
	if (code != 0)
		return -1;
	argc--;
	argv++;
	if (argc == 0)
		return error_set(err, EXIT_USAGE_ERROR, "%s needs a command", program->name);
	line->command = find_command(program, &argc, &argv);
	if (line->command == NULL)
		return refuse_command(program, argv[0], err);
	return read_command(program, argc, argv, values, line, err);
}

int command_line_run(const struct program *program, int argc, char **argv, void *values)
{
	struct error err = ERROR_INIT;
	struct command_line line;
	int rc = read_line(program, argc, argv, values, &line, &err);

	if (rc == 1)
		return EXIT_OK;
	if (rc == 0 && line.command != NULL)
		rc = program->around == NULL
			 ? line.command->run(values, line.arguments, line.count, &err)
			 : program->around(line.command, values, line.arguments, line.count, &err);
	if (rc >= 0)
		return rc;
	log_about(NULL); /* whoever reads the error knows what it is about, and says so */
	if (program->is_for_people)
		say(stderr, "%s: %s", program->name, err.text);
	else
		log_error("%s", err.text);
	if (err.code == EXIT_USAGE_ERROR)
		print_usage(program, line.command, stderr);
	return (int)err.code;
}

int option_number(const char *name, const char *text, long least, long most, long *number,
		  struct error *err)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	if (errno == 0 && *text != '\0' && *end == '\0' && *number >= least && *number <= most)
		return 0;
	return error_set(err, EXIT_USAGE_ERROR,
			 "--%s is \"%.60s\": must be a number from %ld to %ld", name, text, least,
			 most);
}
