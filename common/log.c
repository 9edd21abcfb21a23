#include "common/log.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECRETS_MAX = 32, SECRET_MIN_LENGTH = 6 };

static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
	int fd;
	char *secrets[SECRETS_MAX];
	size_t secret_count;
} state = {.program = "dstack-ingress", .level = LOG_INFO, .format = LOG_TEXT, .fd = STDERR_FILENO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

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
	const char *pipe_path = getenv("INGRESS_LOG_PIPE");
	enum log_level chosen = LOG_INFO;

	for (int i = LOG_ERROR; level != NULL && i <= LOG_DEBUG; i++)
		if (strcmp(level, level_names[i]) == 0)
			chosen = (enum log_level)i;
	log_setup(program, chosen,
		  format != NULL && strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
	if (pipe_path == NULL)
		return;
	int fd = open(pipe_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		state.fd = fd;
}

bool log_enabled(enum log_level level)
{
	return level <= state.level;
}

void log_hide(const char *secret)
{
	if (strlen(secret) < SECRET_MIN_LENGTH || state.secret_count == SECRETS_MAX)
		return;
	char *copy = strdup(secret);
	if (copy != NULL)
		state.secrets[state.secret_count++] = copy;
}

static void mask(char *text)
{
	for (size_t i = 0; i < state.secret_count; i++) {
		size_t length = strlen(state.secrets[i]);
		char *at;
		while ((at = strstr(text, state.secrets[i])) != NULL) {
			memcpy(at, "***", 3);
			memmove(at + 3, at + length, strlen(at + length) + 1);
		}
	}
}

static void tidy(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			*text = '?';
	}
}

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

/* Writes at most once: a reader that is gone or slow must not stop the program. */
static void put(const char *line, size_t length)
{
	ssize_t written = write(state.fd, line, length);

	(void)written;
}

static void emit_json(const char *program, enum log_level level, const char *when,
		      const char *message)
{
	cJSON *object = cJSON_CreateObject();
	char *line = NULL;

	cJSON_AddStringToObject(object, "time", when);
	cJSON_AddStringToObject(object, "level", level_names[level]);
	cJSON_AddStringToObject(object, "program", program);
	cJSON_AddStringToObject(object, "message", message);
	line = cJSON_PrintUnformatted(object);
	if (line != NULL) {
		size_t length = strlen(line);
		line[length] = '\n'; /* in place of the NUL: one write keeps the line whole */
		put(line, length + 1);
	}
	free(line);
	cJSON_Delete(object);
}

static void emit(const char *program, enum log_level level, char *message)
{
	char when[TIMESTAMP_MAX];
	char line[LOG_LINE_MAX + 128];

	mask(message);
	tidy(message);
	timestamp(when);
	if (state.format == LOG_JSON) {
		emit_json(program, level, when, message);
		return;
	}
	int length = snprintf(line, sizeof(line), "%s %s %s: %s\n", when, level_names[level],
			      program, message);
	if (length > 0)
		put(line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

static void log_at(enum log_level level, const char *format, va_list args)
{
	char message[LOG_LINE_MAX];

	if (!log_enabled(level))
		return;
	vsnprintf(message, sizeof(message), format, args);
	emit(state.program, level, message);
}

void log_child(const char *child, enum log_level level, const char *line)
{
	char message[LOG_LINE_MAX];

	if (!log_enabled(level))
		return;
	snprintf(message, sizeof(message), "%s", line);
	emit(child, level, message);
}

#define DEFINE_LOG(name, level)              \
	void name(const char *format, ...)   \
	{                                    \
		va_list args;                \
		va_start(args, format);      \
		log_at(level, format, args); \
		va_end(args);                \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
