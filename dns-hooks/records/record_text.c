#include "dns-hooks/records/record_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_decimal_escape(const char *at)
{
	return isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]) &&
	       isdigit((unsigned char)at[2]);
}

/* Appends what the escape behind the backslash at `at` stands for; returns how long it is. */
static size_t unescape(const char *at, struct buffer *into)
{
	if (is_decimal_escape(at)) {
		int byte = (at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0');
		if (byte < 0x20 || byte == 0x7f || byte > 0xff) {
			buffer_printf(into, "\\%.3s", at);
		} else {
			char c = (char)byte;
			buffer_append(into, &c, 1);
		}
		return 3;
	}
	if (*at == '\0')
		return 0;
	buffer_append(into, at, 1);
	return 1;
}

int record_unquote(const char *text, struct buffer *into)
{
	bool inside = false;

	if (*text != '"')
		return buffer_puts(into, text);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			inside = !inside;
		else if (inside && *text == '\\')
			text += unescape(text + 1, into);
		else if (inside)
			buffer_append(into, text, 1);
		else if (*text != ' ' && *text != '\t')
			return -1;
	}
	return inside || into->failed ? -1 : 0;
}

/* Of one string; not within a character of UTF-8, since JSON cannot carry halves. */
static size_t piece_length(const char *text, size_t left)
{
	enum { STRING_MAX = 255, CHARACTER_MAX = 4 };
	size_t piece = STRING_MAX;

	if (left <= STRING_MAX)
		return left;
	while (piece > STRING_MAX - CHARACTER_MAX && ((unsigned char)text[piece] & 0xc0) == 0x80)
		piece--;
	return piece;
}

int record_quote(const char *text, struct buffer *into)
{
	size_t length = strlen(text), done = 0;

	do {
		size_t piece = piece_length(text + done, length - done);
		buffer_puts(into, done == 0 ? "\"" : " \"");
		for (size_t i = done; i < done + piece; i++) {
			if (text[i] == '"' || text[i] == '\\')
				buffer_puts(into, "\\");
			buffer_append(into, &text[i], 1);
		}
		buffer_puts(into, "\"");
		done += piece;
	} while (done < length);
	return into->failed ? -1 : 0;
}
