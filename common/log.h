/*
 * Log lines on standard error: one line per event, text or JSON.
 *
 *   text: 2026-11-22T10:00:00.123Z info ingressd: [app.example.com] certificate installed
 *   json: {"time":"...","level":"info","program":"ingressd","domain":"app.example.com",
 *          "message":"certificate installed"}
 *
 * What begins with the domain that it is about, in brackets, has that domain as a field in JSON,
 * whichever program said it.
 *
 * A program that a supervisor reads writes "<6>message" instead, the syslog level as
 * sd-daemon(3) has it, and leaves time and form to the reader.
 *
 * Control characters are escaped (see text.h), lines are cut at LOG_LINE_MAX, and
 * every value given to log_hide() is replaced by "***" wherever it turns up.  A line is one
 * write.  When the reader takes nothing for 100 ms, lines are dropped, without a further wait,
 * until it does; then a line says how many.  errno is left as it was.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <time.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON, LOG_PREFIXED };
/* With its newline; PIPE_BUF, so that lines of several writers to one pipe never mix. */
enum { LOG_LINE_MAX = 4096 };

/* `program` must outlive the process's logging (a literal).  Until called: text, info. */
void log_setup(const char *program, enum log_level level, enum log_format format);

/*
 * Reads LOG_LEVEL and LOG_FORMAT, and INGRESS_SUPERVISED, which asks for LOG_PREFIXED.  Wrong
 * values fall back to the defaults: the settings are judged elsewhere.
 */
void log_setup_from_environment(const char *program);

bool log_enabled(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a line is about, for JSON; its text says the same in words.  0 and NULL are left out. */
struct log_facts {
	const char *domain; /* in text as well, in brackets before the message */
	const char *step, *serial;
	time_t not_after, next_at;
	unsigned attempt;
};

void log_facts(enum log_level level, const struct log_facts *facts, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Every line from here on is about `domain` (copied) and begins with it, in brackets; NULL: about
 * none in particular. */
void log_about(const char *domain);

/* A line of the log for each line of `text` that is not empty. */
void log_lines(enum log_level level, const char *text);

/* Prints a line that a child wrote, under the child's name. */
void log_child(const char *child, enum log_level level, const char *line);

/* Takes "<N>" off the front of a line: what is behind it, with its level in `level`, which
 * stays as it is when there is no such prefix. */
const char *log_strip_prefix(const char *line, enum log_level *level);

/* Never shows `secret` (copied; shorter than 6 bytes is ignored: it would mask ordinary
 * words; so are those past the first 32). */
void log_hide(const char *secret);

#endif
