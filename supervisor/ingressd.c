/* ingressd: the supervisor. */
#include "common/build_info.h"
#include "common/command_line.h"
#include "common/confinement.h"
#include "common/error.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/standard_streams.h"
#include "supervisor/haproxy/render_once.h"
#include "supervisor/supervisor.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_MAX = 8 * 1024 * 1024 };

/* The first line of a log: which image it is of. */
static void tell_build(void)
{
	struct buffer line;

	if (build_info_line(BUILD_INFO_PATH, &line))
		log_info("this image is dstack-ingress, %s", buffer_text(&line));
	buffer_free(&line);
}

static int run(const char *render_folder, struct buffer *problems, struct buffer *warnings,
	       struct error *err)
{
	struct settings *settings = settings_load(environ, problems, warnings, err);
	int rc;

	signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more ends nothing */
	if (render_folder == NULL)
		tell_build();
	log_lines(LOG_WARN, buffer_text(warnings));
	log_lines(LOG_ERROR, buffer_text(problems));
	if (settings == NULL)
		return -1;
	rc = render_folder == NULL ? supervisor_run(settings, err)
				   : render_once(settings, render_folder, err);
	settings_free(settings);
	return rc;
}

/* The table on standard output, what is wrong with it on standard error. */
static int check(struct buffer *problems, struct buffer *warnings, struct error *err)
{
	int rc = settings_check(environ, stdout, problems, warnings, err);

	fflush(stdout);
	if (warnings->length > 0)
		fprintf(stderr, "\nWarnings:\n%s", buffer_text(warnings));
	if (problems->length > 0)
		fprintf(stderr, "\nErrors:\n%s", buffer_text(problems));
	return rc;
}

/* ---- the command line */

struct values {
	bool check;
	const char *render;
};

static int run_ingressd(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;
	struct buffer problems, warnings;

	(void)arguments;
	(void)count;
	if (v->check && v->render != NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--check and --render are two things");
	buffer_init(&problems, REPORT_MAX);
	buffer_init(&warnings, REPORT_MAX);
	int rc =
	    v->check ? check(&problems, &warnings, err) : run(v->render, &problems, &warnings, err);
	buffer_free(&problems);
	buffer_free(&warnings);
	return rc;
}

static const struct command_option options[] = {
    {.name = "check",
     .help = "print every setting and every error, then exit: 0 or 78",
     .place = offsetof(struct values, check)},
    {.name = "render",
     .value = "DIR",
     .help = "write haproxy.cfg and all it needs under DIR and touch nothing\n"
	     "else, then exit; `haproxy -f DIR/haproxy.cfg` serves, without\n"
	     "evidence",
     .place = offsetof(struct values, render)},
    {.name = NULL},
};

static const struct command command = {
    .name = "",
    .arguments = "",
    .help = "Runs, configured by environment variables.",
    .options = options,
    .run = run_ingressd,
};

static const struct program program = {
    .name = "ingressd",
    .commands = &command,
    .command_count = 1,
    .notes = EXIT_STATUS_NOTES,
};

int main(int argc, char **argv)
{
	struct values values = {0};

	standard_streams_open();
	umask(022);
	confinement_hide_memory();
	log_setup_from_environment("ingressd");
	return command_line_run(&program, argc, argv, &values);
}
