/*
 * ingressd: the supervisor.
 *
 *   ingressd                 validates the environment and runs
 *   ingressd --check         prints every setting and every error; exits 0 or 78
 *   ingressd --render DIR    writes what HAProxy needs under DIR and touches nothing else; then
 *                            `haproxy -f DIR/haproxy.cfg` serves, without evidence
 */
#include "common/confinement.h"
#include "common/error.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/render_once.h"
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_MAX = 8 * 1024 * 1024 };

static const char usage[] =
    "usage: ingressd                run, configured by environment variables\n"
    "       ingressd --check        print every setting and every error, then exit\n"
    "       ingressd --render DIR   write haproxy.cfg and all it needs under DIR, then exit\n"
    "       ingressd --version\n";

static int usage_error(const char *mode)
{
	fprintf(stderr, "ingressd: these arguments are not understood (the first is \"%s\")\n%s",
		mode, usage);
	return EXIT_USAGE_ERROR;
}

/* One log line for each line of the report. */
static void log_lines(struct buffer *report, void (*log_line)(const char *format, ...))
{
	char *rest = report->data, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			log_line("%s", line);
}

static int run(const char *render_folder, struct buffer *problems, struct buffer *warnings,
	       struct error *err)
{
	struct settings *settings = settings_load(environ, problems, warnings, err);
	int rc;

	log_lines(warnings, log_warn);
	log_lines(problems, log_error);
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

int main(int argc, char **argv)
{
	struct buffer problems, warnings;
	struct error err = ERROR_INIT;
	const char *mode = argc > 1 ? argv[1] : "";
	int rc;

	umask(022);
	confinement_hide_memory();
	log_setup_from_environment("ingressd");
	if (argc == 2 && strcmp(mode, "--version") == 0)
		return printf("ingressd %s\n", VERSION) < 0;
	if (argc == 2 && strcmp(mode, "--help") == 0)
		return fputs(usage, stdout) < 0;
	buffer_init(&problems, REPORT_MAX);
	buffer_init(&warnings, REPORT_MAX);
	if (argc == 1)
		rc = run(NULL, &problems, &warnings, &err);
	else if (argc == 2 && strcmp(mode, "--check") == 0)
		rc = check(&problems, &warnings, &err);
	else if (argc == 3 && strcmp(mode, "--render") == 0)
		rc = run(argv[2], &problems, &warnings, &err);
	else
		return usage_error(mode);
	buffer_free(&problems);
	buffer_free(&warnings);
	if (rc == 0)
		return EXIT_OK;
	log_error("%s", err.text);
	return (int)err.code;
}
