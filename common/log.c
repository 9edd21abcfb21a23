#include "common/log.h"

#include "common/domain.h"
#include "common/log_json.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECRETS_MAX = 32, SECRET_MIN_LENGTH = 6, STUCK_READER_MS = 100 };

static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
	int fd;
	char *secrets[SECRETS_MAX];
	size_t secret_count;
	domain_name subject;
	bool is_stuck;	    /* the reader took nothing for STUCK_READER_MS, and nothing since */
	unsigned long lost; /* lines, since then */
} state = {.program = "dstack-ingress", .level = LOG_INFO, .format = LOG_TEXT, .fd = STDERR_FILENO};

static const struct log_facts no_facts;

static const char *const level_names[] = {"error", "warn", "info", "debug"};
/* syslog(3)'s numbers for the same. */
static const char level_digits[] = {'3', '4', '6', '7'};

void log_setup(const char *program, enum log_level level, enum log_format format)
{
	state.program = program;
	state.level = level;
	state.format = format;
}

void log_setup_from_environment(const char *program)
{
	const char *level = getenv("LOG_LEVEL");
	const char *format = getenv("LOG_FORMAT");
	enum log_level chosen = LOG_INFO;

	for (int i = LOG_ERROR; level != NULL && i <= LOG_DEBUG; i++)
		if (strcmp(level, level_names[i]) == 0)
			chosen = (enum log_level)i;
	log_setup(program, chosen,
		  format != NULL && strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
	if (getenv("INGRESS_SUPERVISED") != NULL)
		state.format = LOG_PREFIXED;
}

bool log_enabled(enum log_level level)
{
	return level <= state.level;
}

/* ---- secrets */

static bool is_hidden(const char *secret)
{
	for (size_t i = 0; i < state.secret_count; i++)
		if (strcmp(state.secrets[i], secret) == 0)
			return true;
	return false;
}

void log_hide(const char *secret)
{
	if (strlen(secret) < SECRET_MIN_LENGTH || state.secret_count == SECRETS_MAX ||
	    is_hidden(secret))
		return;
	char *copy = strdup(secret);
	if (copy != NULL)
		state.secrets[state.secret_count++] = copy;
}

/* Marks where `secret` stands in `text`, overlapping occurrences too. */
static void mark_whole(const char *text, const char *secret, bool hidden[LOG_LINE_MAX])
{
	size_t length = strlen(secret);

	for (const char *at = text; (at = strstr(at, secret)) != NULL; at++)
		memset(hidden + (at - text), true, length);
}

/* Marks a beginning of `secret` at the end of a text that was cut there. */
static void mark_beginning(const char *text, const char *secret, bool hidden[LOG_LINE_MAX])
{
	size_t end = strlen(text);
	size_t length = strlen(secret);

	for (size_t part = length < end ? length : end; part >= SECRET_MIN_LENGTH; part--) {
		if (strncmp(text + end - part, secret, part) == 0) {
			memset(hidden + end - part, true, part);
			return;
		}
	}
}

/*
 * First all marks, then the replacing: what one replacement leaves must neither hide nor make
 * up the next occurrence.  A marked run is longer than "***", so the text never grows.
 */
static void mask(char *text, bool was_cut)
{
	bool hidden[LOG_LINE_MAX] = {false};
	char *out = text;

	for (size_t i = 0; i < state.secret_count; i++) {
		mark_whole(text, state.secrets[i], hidden);
		if (was_cut)
			mark_beginning(text, state.secrets[i], hidden);
	}
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (!hidden[i]) {
			*out++ = text[i];
		} else if (i == 0 || !hidden[i - 1]) {
			memcpy(out, "***", 3);
			out += 3;
		}
	}
	*out = '\0';
}

/* ---- lines */

enum { TIMESTAMP_MAX = 64 };

static void timestamp(char out[TIMESTAMP_MAX])
{
	struct timespec now;
	struct tm parts;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out, TIMESTAMP_MAX, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/* A reader that is stuck must not stop the program, nor slow it: it is waited for once, and from
 * then on only looked at.  A pipe that is writable takes a line of PIPE_BUF bytes whole (pipe(7)),
 * so after poll() not even a blocking one waits. */
static bool takes_a_line(void)
{
	struct pollfd writable = {.fd = state.fd, .events = POLLOUT};
	int ready;

	do
		ready = poll(&writable, 1, state.is_stuck ? 0 : STUCK_READER_MS);
	while (ready < 0 && errno == EINTR);
	state.is_stuck = ready != 1;
	return !state.is_stuck;
}

static void put(const char *line, size_t length)
{
	if (!takes_a_line()) {
		state.lost++;
		return;
	}
	ssize_t written = write(state.fd, line, length);
	(void)written; /* whom to tell? */
}

/* -1 when memory ran out. */
static int emit_json(const char *program, enum log_level level, const char *when, const char *text,
		     const struct log_facts *facts)
{
	char *line = log_json_line(program, level_names[level], when, text, facts);

	if (line == NULL)
		return -1;
	size_t length = strlen(line);
	line[length] = '\n'; /* in place of the NUL: one write keeps the line whole */
	put(line, length + 1);
	free(line);
	return 0;
}

static void emit_text(const char *program, enum log_level level, const char *when,
		      const char *message)
{
	char line[LOG_LINE_MAX];
	int before = snprintf(line, sizeof(line), "%s %s %s: ", when, level_names[level], program);

	if (before < 0 || (size_t)before >= sizeof(line))
		return;
	text_escape(message, line + before, sizeof(line) - (size_t)before);
	size_t length = strlen(line);
	line[length] = '\n';
	put(line, length + 1);
}

static void emit_prefixed(enum log_level level, const char *message)
{
	char line[LOG_LINE_MAX];

	int before = snprintf(line, sizeof(line), "<%c>", level_digits[level]);
	text_escape(message, line + before, sizeof(line) - (size_t)before);
	size_t length = strlen(line);
	line[length] = '\n';
	put(line, length + 1);
}

const char *log_strip_prefix(const char *line, enum log_level *level)
{
	if (line[0] != '<' || line[1] == '\0' || line[2] != '>')
		return line;
	for (size_t i = 0; i < sizeof(level_digits); i++) {
		if (level_digits[i] == line[1]) {
			*level = (enum log_level)i;
			return line + 3;
		}
	}
	return line;
}

/* Before the first line that is taken again. */
static void tell_lost(void)
{
	unsigned long lost = state.lost;

	if (lost == 0 || !takes_a_line())
		return;
	state.lost = 0;
	log_warn("%lu line%s missing here: whoever reads this log did not take %s", lost,
		 lost == 1 ? " is" : "s are", lost == 1 ? "it" : "them");
}

static void emit(const char *program, enum log_level level, char *message, int wanted,
		 const struct log_facts *facts)
{
	char when[TIMESTAMP_MAX];

	if (wanted < 0)
		return;
	tell_lost();
	mask(message, wanted >= LOG_LINE_MAX);
	if (state.format == LOG_PREFIXED) {
		emit_prefixed(level, message);
		return;
	}
	timestamp(when);
	/* Without memory the line is still worth having, if not as JSON. */
	if (state.format != LOG_JSON || emit_json(program, level, when, message, facts) != 0)
		emit_text(program, level, when, message);
}

/* With its subject, or that of the process, before it; the length as vsnprintf() has it. */
static int compose(char message[LOG_LINE_MAX], const char *domain, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static int compose(char message[LOG_LINE_MAX], const char *domain, const char *format, va_list args)
{
	const char *subject = domain != NULL ? domain : state.subject;
	int before = *subject == '\0' ? 0 : snprintf(message, LOG_LINE_MAX, "[%s] ", subject);
	int wanted = vsnprintf(message + before, LOG_LINE_MAX - (size_t)before, format, args);

	return wanted < 0 ? wanted : before + wanted;
}

static void log_at(enum log_level level, const struct log_facts *facts, const char *format,
		   va_list args) __attribute__((format(printf, 3, 0)));

static void log_at(enum log_level level, const struct log_facts *facts, const char *format,
		   va_list args)
{
	char message[LOG_LINE_MAX];
	int saved = errno;

	if (log_enabled(level))
		emit(state.program, level, message, compose(message, facts->domain, format, args),
		     facts);
	errno = saved;
}

void log_facts(enum log_level level, const struct log_facts *facts, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_at(level, facts, format, args);
	va_end(args);
}

void log_lines(enum log_level level, const char *text)
{
	while (*text != '\0') {
		int length = (int)strcspn(text, "\n");
		if (length > 0)
			log_facts(level, &no_facts, "%.*s", length, text);
		text += length + (text[length] == '\n');
	}
}

void log_about(const char *domain)
{
	snprintf(state.subject, sizeof(state.subject), "%s", domain == NULL ? "" : domain);
}

void log_child(const char *child, enum log_level level, const char *line)
{
	char message[LOG_LINE_MAX];
	int saved = errno;

	if (log_enabled(level))
		emit(child, level, message, snprintf(message, sizeof(message), "%s", line),
		     &no_facts);
	errno = saved;
}

#define DEFINE_LOG(name, level)                         \
	void name(const char *format, ...)              \
	{                                               \
		va_list args;                           \
		va_start(args, format);                 \
		log_at(level, &no_facts, format, args); \
		va_end(args);                           \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
