#include "evidence/build_info.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"

#include <string.h>

enum { BUILD_INFO_MAX = 16 * 1024 };

static const char label[] = "org.opencontainers.image.revision=";

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

/* What the build was not told is "unknown". */
static void take_value(const char *value, char revision[BUILD_REVISION_MAX + 1])
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-";
	size_t length = strcspn(value, "\n");

	if (length > BUILD_REVISION_MAX || strspn(value, allowed) != length ||
	    (length == strlen("unknown") && memcmp(value, "unknown", length) == 0))
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
