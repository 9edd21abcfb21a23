#include "dns-hooks/web/web_json.h"

#include "common/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE_LENGTH = 6 }; /* \u0000 */

/* The number of "\uXXXX" at `at`, or -1. */
static long escaped(const char *at)
{
	char digits[5] = "";

	if (at[0] != '\\' || at[1] != 'u')
		return -1;
	for (size_t i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)at[2 + i]))
			return -1;
		digits[i] = at[2 + i];
	}
	return strtol(digits, NULL, 16);
}

static bool is_high(long unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(long unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* `text` ends with a NUL that is not part of it. */
static void replace_escapes(char *text)
{
	for (char *at = strchr(text, '\\'); at != NULL; at = strchr(at, '\\')) {
		long unit = escaped(at);
		bool is_pair = is_high(unit) && is_low(escaped(at + ESCAPE_LENGTH));
		if (unit < 0) { /* of one character */
			at += at[1] == '\0' ? 1 : 2;
			continue;
		}
		if (unit == 0 || ((is_high(unit) || is_low(unit)) && !is_pair))
			memcpy(at, "\\ufffd", ESCAPE_LENGTH);
		at += is_pair ? 2 * ESCAPE_LENGTH : ESCAPE_LENGTH;
	}
}

cJSON *web_json_parse(const char *text, size_t length, struct error *err)
{
	AUTO_FREE char *copy = malloc(length + 1);

	if (copy == NULL) {
		error_no_memory(err);
		return NULL;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	replace_escapes(copy);
	return json_parse(copy, length, "the answer", err);
}
