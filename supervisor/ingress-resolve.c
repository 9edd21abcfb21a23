/*
 * ingress-resolve: looks up the names of backends for ingressd, as libc does it (search lists,
 * /etc/hosts, nsswitch.conf), and tells every answer by a line (see dns_answer.h).
 *
 *   ingress-resolve follow --fd N      each name again and again; lines go to descriptor N
 *   ingress-resolve once --seconds N   each name once; lines go to standard output
 *
 * The names are lines on standard input.  It is a program of its own since libc's calls block,
 * and since it reads what the network sends: as a user of its own, knowing nothing.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/privileges.h"
#include "supervisor/dns_answer.h"
#include "supervisor/lookup_pool.h"

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

static const char usage[] = "usage: ingress-resolve follow --fd N\n"
			    "       ingress-resolve once --seconds N\n"
			    "       ingress-resolve --version\n"
			    "The names to look up are lines on standard input.\n";

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

/* A number from `least` on; -1 when it is none. */
static long number(const char *text, long least, long most)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	return end == text || *end != '\0' || value < least || value > most ? -1 : value;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	bool follow = argc == 4 && strcmp(argv[1], "follow") == 0 && strcmp(argv[2], "--fd") == 0;
	bool once = argc == 4 && strcmp(argv[1], "once") == 0 && strcmp(argv[2], "--seconds") == 0;

	log_setup_from_environment("ingress-resolve");
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("ingress-resolve %s\n", VERSION) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	long value = follow ? number(argv[3], 0, INT_MAX) : -1;
	if (once)
		value = number(argv[3], 1, SECONDS_MAX);
	if (value < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE_ERROR;
	}
	if (run(follow ? (int)value : STDOUT_FILENO, follow ? 0 : value, &err) == 0)
		return EXIT_OK;
	log_error("%s", err.text);
	return (int)err.code;
}
