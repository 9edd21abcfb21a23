#include "common/build_info.h"

#include "common/file.h"
#include "common/log.h"

#include <string.h>

enum { BUILD_INFO_MAX = 16 * 1024 };

static const char prefix[] = "org.opencontainers.image.";
static const char label[] = "org.opencontainers.image.revision=";
static const char unknown[] = "unknown"; /* what the build was not told */

/* The value of the first line that has it; NULL when none does. */
static const char *find_value(const char *text)
{
	const char *end;

	for (; strncmp(text, label, sizeof(label) - 1) != 0; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL)
			return NULL;
	}
	return text + sizeof(label) - 1;
}

static void take_value(const char *value, char revision[BUILD_REVISION_MAX + 1])
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-";
	size_t length = strcspn(value, "\n");

	if (length > BUILD_REVISION_MAX || strspn(value, allowed) != length ||
	    (length == strlen(unknown) && memcmp(value, unknown, length) == 0))
		return;
	memcpy(revision, value, length);
	revision[length] = '\0';
}

void build_info_revision(const char *path, char revision[BUILD_REVISION_MAX + 1])
{
	struct error err = ERROR_INIT;
	struct buffer text;

	revision[0] = '\0';
	if (!file_exists(path))
		return;
	buffer_init(&text, BUILD_INFO_MAX);
	if (file_read(path, &text, &err) != 0)
		log_warn("the manifest has no revision: %s", err.text);
	else if (find_value(buffer_text(&text)) != NULL)
		take_value(find_value(buffer_text(&text)), revision);
	buffer_free(&text);
}

static bool is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* "org.opencontainers.image.NAME=VALUE" as "NAME VALUE". */
static void add_fact(struct buffer *line, const char *text, size_t length)
{
	const char *name = text + sizeof(prefix) - 1, *value = memchr(text, '=', length);
	size_t value_length;

	if (value == NULL || value <= name || strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return;
	value_length = length - (size_t)(++value - text);
	if (!is_printable(name, length - (sizeof(prefix) - 1)) || value_length == 0 ||
	    (value_length == strlen(unknown) && memcmp(value, unknown, value_length) == 0))
		return;
	buffer_printf(line, "%s%.*s %.*s", line->length == 0 ? "" : ", ", (int)(value - 1 - name),
		      name, (int)value_length, value);
}

bool build_info_line(const char *path, struct buffer *line)
{
	struct error ignored = ERROR_INIT;
	struct buffer text;

	buffer_init(line, BUILD_INFO_MAX);
	buffer_init(&text, BUILD_INFO_MAX);
	if (file_exists(path) && file_read(path, &text, &ignored) == 0)
		for (const char *at = buffer_text(&text); *at != '\0';) {
			size_t length = strcspn(at, "\n");
			add_fact(line, at, length);
			at += length + (at[length] == '\n');
		}
	buffer_free(&text);
	return line->length > 0;
}
