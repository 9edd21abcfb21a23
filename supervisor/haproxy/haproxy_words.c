#include "supervisor/haproxy/haproxy_words.h"

#include <stdio.h>
#include <string.h>

/* ---- how serious a line is */

/* What HAProxy warns of although it is as it should be.  At every reload it has a line for
 * each proxy that stops: thousands, with thousands of routes. */
static const char *const expected[] = {
    " stopped (cumulated",
    "exited with code 0 ",
    "exited with code 143 ", /* ended by TERM, as at the end of a stop */
    "Current worker (",	     /* and how it ended: the master ends by it, which ingressd tells */
    "exit-on-failure: killing every",
    "Exiting Master process",
    "All workers exited",
    "no SSL certificate specified for bind", /* before the first one is issued */
    /* What is wrong is in the alerts before these. */
    "Error(s) found in configuration file",
    "Fatal errors found in configuration",
    /* What becomes of a server when its address is told: see worker_addresses.h. */
    "(leaving forced maintenance)",
    "is going DOWN for maintenance",
    "has no server available!",
};

enum log_level haproxy_judge_line(const char *line)
{
	if (strncmp(line, "[NOTICE]", 8) == 0)
		return LOG_DEBUG;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (line[0] == '[' && strstr(line, expected[i]) != NULL)
			return LOG_DEBUG;
	/* HAProxy 3.0 and later have an alert's reason in further lines, set in. */
	if (strncmp(line, "[ALERT]", 7) == 0 || strncmp(line, "  ", 2) == 0)
		return LOG_ERROR;
	return strncmp(line, "[WARNING]", 9) == 0 ? LOG_WARN : LOG_INFO;
}

/* ---- what it does not start with */

static bool take_name(const char *line, size_t length, char file[SERVED_PAIR_NAME_MAX])
{
	static const char begin[] = "'certs/", suffix[] = ".pem";
	const char *name = memmem(line, length, begin, strlen(begin));

	if (name == NULL)
		return false;
	name += strlen(begin);
	const char *end = memchr(name, '\'', (size_t)(line + length - name));
	if (end == NULL || end - name <= (long)strlen(suffix))
		return false;
	end -= strlen(suffix);
	if (strncmp(end, suffix, strlen(suffix)) != 0 || end - name >= SERVED_PAIR_NAME_MAX)
		return false;
	snprintf(file, SERVED_PAIR_NAME_MAX, "%.*s", (int)(end - name), name);
	return true;
}

bool haproxy_refused(const char *words, char file[SERVED_PAIR_NAME_MAX])
{
	static const char alert[] = "[ALERT]";
	bool is_alert = false, any = false;

	for (const char *line = words; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		if (line[0] != ' ')
			is_alert = strncmp(line, alert, strlen(alert)) == 0;
		if (is_alert)
			any = take_name(line, length, file) || any;
		line += length + (line[length] == '\n');
	}
	return any;
}
