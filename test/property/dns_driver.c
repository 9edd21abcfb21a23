/*
 * Many runs of ingress-dns in one process, for tests that make thousands of them.
 *
 * This is the program itself, its main() included, linked with a few functions exchanged
 * (-Wl,--wrap, see the Makefile).  What differs:
 *
 *   - Time is made up: a sleep takes none and moves the clock, so that retries and settling
 *     are as long as in life to the program, and over at once for who waits for it.
 *   - Who does not answer is waited for `patience_ms` at most; the clock then says that it was
 *     the whole time-out.
 *   - Whether a challenge value came to be seen in DNS is told, not looked for (unless "looks" is
 *     true).
 *   - Root is not given up: the next run needs it again.
 *   - A connection that the server keeps open is used again; in life every request has its own.
 *     libcurl repeats by itself what fails on one that was used before, so a server that is to
 *     misbehave has to close it first.
 *
 * Usage: dns_driver LOG.  Every line on standard input is a run:
 *
 *   {"arguments": ["set-txt", "x.demo.test", "v"], "environment": {"APP_ID": "0a", "X": null},
 *    "patience_ms": 50, "seen": true}
 *
 * The environment stays as it was set (null: unset).  After each run a line tells the exit
 * status, how long it took by the made-up clock, and all that was printed and logged:
 * {"exit": 0, "ms": 45000, "said": "..."}.  LOG holds the same while the run lasts, and what
 * there is to know if it crashes.
 */
#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "common/json.h"
#include "dns-hooks/leave_root.h"
#include "dns-hooks/resolve/propagation.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 16, SAID_MAX = 512 * 1024 };

static long long skipped_ms; /* how far the clock is ahead */
static long patience_ms;     /* 0: as long as the program wants to wait */
static bool is_seen, looks;

/* ---- what is exchanged */

long long __real_clock_now_ms(void);
long long __wrap_clock_now_ms(void);
void __wrap_clock_sleep_ms(long long milliseconds);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_http_perform(const struct http_request *request, struct http_response *response,
			struct error *err);
int __wrap_http_perform(const struct http_request *request, struct http_response *response,
			struct error *err);
CURL *__wrap_curl_easy_init(void);
void __wrap_leave_root(const struct settings *settings);
void __wrap_curl_easy_cleanup(CURL *curl);
CURL *__real_curl_easy_init(void);
int __real_propagation_wait(const struct authority *authority, const char *name, const char *value,
			    deadline limit, struct error *err);
int __wrap_propagation_wait(const struct authority *authority, const char *name, const char *value,
			    deadline limit, struct error *err);

long long __wrap_clock_now_ms(void)
{
	return __real_clock_now_ms() + skipped_ms;
}

void __wrap_clock_sleep_ms(long long milliseconds)
{
	if (milliseconds > 0)
		skipped_ms += milliseconds;
}

void __wrap_leave_root(const struct settings *settings)
{
	(void)settings;
}

/* DNS servers are waited for by it. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	if (patience_ms == 0 || timeout_ms <= patience_ms)
		return __real_poll(fds, count, timeout_ms);
	int ready = __real_poll(fds, count, (int)patience_ms);
	if (ready == 0)
		skipped_ms += timeout_ms - patience_ms;
	return ready;
}

int __wrap_http_perform(const struct http_request *request, struct http_response *response,
			struct error *err)
{
	struct http_request impatient = *request;
	long timeout_ms = request->timeout_ms == 0 ? HTTP_TIMEOUT_MS : request->timeout_ms;

	if (patience_ms == 0 || timeout_ms <= patience_ms)
		return __real_http_perform(request, response, err);
	impatient.timeout_ms = patience_ms;
	int result = __real_http_perform(&impatient, response, err);
	if (result != 0 && err->code == EXIT_TRY_LATER)
		skipped_ms += timeout_ms - patience_ms;
	return result;
}

/* One for all: one request is made at a time. */
CURL *__wrap_curl_easy_init(void)
{
	static CURL *only;

	if (only == NULL)
		only = __real_curl_easy_init();
	return only;
}

void __wrap_curl_easy_cleanup(CURL *curl)
{
	curl_easy_reset(curl); /* all but its connections */
}

int __wrap_propagation_wait(const struct authority *authority, const char *name, const char *value,
			    deadline limit, struct error *err)
{
	if (looks)
		return __real_propagation_wait(authority, name, value, limit, err);
	if (is_seen)
		return 0;
	clock_sleep_ms(deadline_left(limit));
	return error_set(err, EXIT_TRY_LATER, "the value at %s is not served everywhere in time",
			 name);
}

/* ---- runs */

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

static void give_up(const char *why)
{
	fprintf(stderr, "dns_driver: %s\n", why);
	exit(EXIT_USAGE_ERROR);
}

static void change_environment(const cJSON *environment)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, environment)
	{
		if (cJSON_IsString(item))
			setenv(item->string, item->valuestring, 1);
		else
			unsetenv(item->string);
	}
}

static int run(const cJSON *arguments)
{
	char program[] = "ingress-dns";
	char *argv[ARGUMENTS_MAX + 2] = {program};
	const cJSON *item = NULL;
	int argc = 1;

	cJSON_ArrayForEach(item, arguments)
	{
		if (argc > ARGUMENTS_MAX || !cJSON_IsString(item))
			give_up("arguments are at most 16 strings");
		argv[argc++] = item->valuestring;
	}
	int status = __real_main(argc, argv);
	fflush(stdout);
	return status;
}

/* Answers with what the run left in the log, and empties that. */
static void report(FILE *answers, int log, int status, long long milliseconds)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *answer = cJSON_CreateObject();
	struct stat now;

	if (fstat(log, &now) != 0 || now.st_size > SAID_MAX)
		give_up("the log is too long");
	AUTO_FREE char *said = calloc(1, (size_t)now.st_size + 1);
	if (said == NULL || pread(log, said, (size_t)now.st_size, 0) != now.st_size ||
	    ftruncate(log, 0) != 0)
		give_up("cannot read the log");
	cJSON_AddNumberToObject(answer, "exit", status);
	cJSON_AddNumberToObject(answer, "ms", (double)milliseconds);
	cJSON_AddStringToObject(answer, "said", said);
	AUTO_FREE char *text = json_print(answer, false, &err);
	if (text == NULL || fprintf(answers, "%s\n", text) < 0 || fflush(answers) != 0)
		give_up("cannot answer");
}

static void run_line(const char *line, size_t length, FILE *answers, int log)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *command = json_parse(line, length, "the command", &err);

	if (command == NULL)
		give_up(err.text);
	change_environment(json_object(command, "environment"));
	patience_ms = (long)json_integer(command, "patience_ms", 0);
	is_seen = json_true(command, "seen");
	looks = json_true(command, "looks");
	long long began = clock_now_ms();
	int status = run(json_array(command, "arguments"));
	report(answers, log, status, clock_now_ms() - began);
}

/* Everything that the program prints and logs goes to the file. */
static int redirect(const char *path)
{
	int log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		give_up("cannot open the log");
	return log;
}

int __wrap_main(int argc, char **argv)
{
	FILE *answers = fdopen(dup(STDOUT_FILENO), "w");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	ssize_t length = 0;

	if (argc != 2 || answers == NULL)
		give_up("usage: dns_driver LOG");
	int log = redirect(argv[1]);
	while ((length = getline(&line, &size, stdin)) > 0)
		run_line(line, (size_t)length, answers, log);
	return EXIT_OK;
}
