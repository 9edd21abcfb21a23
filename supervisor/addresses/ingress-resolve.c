/*
 * ingress-resolve: looks up the names of backends for ingressd, as libc does it (search lists,
 * /etc/hosts, nsswitch.conf), and tells every answer by a line (see dns_answer.h).
 *
 * It is a program of its own since libc's calls block, and since it reads what the network sends:
 * as a user of its own, knowing nothing.
 */
#include "common/clock.h"
#include "common/command_line.h"
#include "common/error.h"
#include "common/log.h"
#include "common/privileges.h"
#include "supervisor/addresses/dns_answer.h"
#include "supervisor/addresses/lookup_pool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NAMES_MAX = 20000 * (DOMAIN_MAX + 1), /* bytes */
	SECONDS_MAX = 60,
};

/* libc's options: a name server that says nothing costs a second, the only one there is two.  They
 * stand behind what the user has set in RES_OPTIONS, since the last of them counts. */
#define PATIENCE "timeout:1 attempts:2"

static int read_names(struct buffer *names, struct error *err)
{
	char piece[16384];
	ssize_t got;

	while ((got = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot read the names");
		buffer_append(names, piece, (size_t)got);
	}
	return buffer_check(names, "the list of names", err);
}

static int limit_patience(struct error *err)
{
	const char *given = getenv("RES_OPTIONS");
	char options[1024];

	snprintf(options, sizeof(options), "%.900s %s", given == NULL ? "" : given, PATIENCE);
	if (setenv("RES_OPTIONS", options, 1) != 0)
		return error_no_memory(err);
	return 0;
}

static int run(int fd, long seconds, struct error *err)
{
	struct buffer names;
	int rc = -1;

	buffer_init(&names, NAMES_MAX);
	if (limit_patience(err) == 0 && read_names(&names, err) == 0 &&
	    privileges_drop(USER_RESOLVE, err) == 0)
		rc = lookup_pool_run(names.data, fd, seconds, err);
	buffer_free(&names);
	return rc;
}

/* ---- the command line */

struct values {
	int fd;
	long seconds;
};

static int take_fd(void *arg, const struct command_option *option, char *text, struct error *err)
{
	struct values *v = arg;
	long fd;

	if (option_number(option->name, text, 0, INT_MAX, &fd, err) != 0)
		return -1;
	v->fd = (int)fd;
	return 0;
}

static int take_seconds(void *arg, const struct command_option *option, char *text,
			struct error *err)
{
	struct values *v = arg;

	return option_number(option->name, text, 1, SECONDS_MAX, &v->seconds, err);
}

static int run_follow(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	(void)arguments;
	(void)count;
	return run(v->fd, 0, err);
}

static int run_once(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	(void)arguments;
	(void)count;
	return run(STDOUT_FILENO, v->seconds, err);
}

static const struct command_option follow_options[] = {
    {.name = "fd",
     .value = "N",
     .help = "the descriptor that lines go to",
     .take = take_fd,
     .is_needed = true},
    {.name = NULL},
};

static const struct command_option once_options[] = {
    {.name = "seconds",
     .value = "N",
     .help = "how long it may take",
     .take = take_seconds,
     .is_needed = true},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "follow",
     .arguments = "",
     .help = "look up each name again and again",
     .options = follow_options,
     .run = run_follow},
    {.name = "once",
     .arguments = "",
     .help = "look up each name once; lines go to standard output",
     .options = once_options,
     .run = run_once},
};

static const struct program program = {
    .name = "ingress-resolve",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .notes = "The names to look up are lines on standard input.\n" EXIT_STATUS_NOTES,
};

int main(int argc, char **argv)
{
	struct values values = {0};

	log_setup_from_environment("ingress-resolve");
	return command_line_run(&program, argc, argv, &values);
}
