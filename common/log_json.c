#include "common/log_json.h"

#include "common/domain.h"
#include "common/text.h"
#include "common/utc.h"

#include <cjson/cJSON.h>
#include <string.h>

/* With its line end and the NUL in whose place that comes. */
#define MESSAGE_FRAME ",\"message\":\"\"\n"

/* The domain that `text` begins with, in brackets; what is behind it.  `domain` is "" if there is
 * none: HAProxy, say, writes "[ALERT] ...". */
static const char *take_domain(const char *text, domain_name domain)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL;

	*domain = '\0';
	if (end == NULL || end[1] != ' ' ||
	    domain_parse(text + 1, (size_t)(end - text - 1), domain) != DOMAIN_VALID)
		return text;
	return end + 2;
}

/* Cuts `message` so that it takes `room` bytes as a JSON string; escaped text has nothing more to
 * escape but quotes and backslashes. */
static void cut(char *message, size_t room)
{
	size_t used = 0;

	for (char *at = message; *at != '\0'; at += text_first(at).length) {
		used += *at == '"' || *at == '\\' ? 2 : text_first(at).length;
		if (used > room) {
			*at = '\0';
			return;
		}
	}
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
	return text == NULL || text[0] == '\0' || cJSON_AddStringToObject(object, name, text);
}

static bool add_time(cJSON *object, const char *name, time_t when)
{
	char text[UTC_SIZE];

	if (when == 0)
		return true;
	utc_write(when, text);
	return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_facts(cJSON *object, const struct log_facts *facts)
{
	return add_text(object, "step", facts->step) && add_text(object, "serial", facts->serial) &&
	       add_time(object, "not_after", facts->not_after) &&
	       add_time(object, "next_at", facts->next_at) &&
	       (facts->attempt == 0 || cJSON_AddNumberToObject(object, "attempt", facts->attempt));
}

/* What a message may take beside what `object` has already. */
static size_t room_for_message(const cJSON *object)
{
	char *line = cJSON_PrintUnformatted(object);
	size_t used = line == NULL ? LOG_LINE_MAX : strlen(line) + sizeof(MESSAGE_FRAME);

	cJSON_free(line);
	return used < LOG_LINE_MAX ? LOG_LINE_MAX - used : 0;
}

char *log_json_line(const char *program, const char *level, const char *when, const char *text,
		    const struct log_facts *facts)
{
	cJSON *object = cJSON_CreateObject();
	char message[LOG_LINE_MAX];
	char *line = NULL;
	domain_name domain;

	text_escape(take_domain(text, domain), message, sizeof(message));
	if (add_text(object, "time", when) && add_text(object, "level", level) &&
	    add_text(object, "program", program) && add_text(object, "domain", domain) &&
	    add_facts(object, facts)) {
		cut(message, room_for_message(object));
		if (cJSON_AddStringToObject(object, "message", message) != NULL)
			line = cJSON_PrintUnformatted(object);
	}
	cJSON_Delete(object);
	return line;
}
