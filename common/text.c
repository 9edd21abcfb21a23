#include "common/text.h"

#include <stdio.h>
#include <string.h>

enum { ESCAPE_MAX = 12 };

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629 section 4. */
size_t text_character_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || !is_continuation(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool surrogate = s[0] == 0xed && s[1] > 0x9f;
	bool beyond_unicode = s[0] == 0xf4 && s[1] > 0x8f;
	if (overlong || surrogate || beyond_unicode || !is_continuation(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return 3;
	return is_continuation(s[3]) ? 4 : 0;
}

static unsigned decode(const unsigned char *s, size_t length)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned code = s[0] & first_bits[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

/*
 * What cannot be told from something else, or steers how its line is shown: controls, spaces that
 * are not ' ', and the general category Cf.  Editors, browsers and shells bring many of them along
 * unseen; those have a name for messages about a value that has one.
 */
static const struct range {
	unsigned from, to;
	const char *stray;
} deceptive[] = {
    {0x00, 0x08, "a control character"},
    {0x09, 0x0a, NULL}, /* a tab and a line end are seen as what they are, and may be meant */
    {0x0b, 0x0c, "a control character"},
    {0x0d, 0x0d, "a carriage return, the line end of Windows"},
    {0x0e, 0x1f, "a control character"},
    {0x7f, 0x9f, "a control character"},
    {0xa0, 0xa0, "a no-break space"},
    {0xad, 0xad, "a soft hyphen"},
    {0x34f, 0x34f, "a character that cannot be seen"},
    {0x600, 0x605, "a character that cannot be seen"},
    {0x61c, 0x61c, "a mark of the writing direction"},
    {0x6dd, 0x6dd, "a character that cannot be seen"},
    {0x70f, 0x70f, "a character that cannot be seen"},
    {0x115f, 0x1160, "a character that cannot be seen"},
    {0x1680, 0x1680, "a space that is none of ASCII"},
    {0x17b4, 0x17b5, "a character that cannot be seen"},
    {0x180b, 0x180f, "a character that cannot be seen"},
    {0x2000, 0x200a, "a space that is none of ASCII"},
    {0x200b, 0x200b, "a zero-width space"},
    {0x200c, 0x200d, "a zero-width joiner"},
    {0x200e, 0x200f, "a mark of the writing direction"},
    {0x2028, 0x2029, "a line separator that is none of ASCII"},
    {0x202a, 0x202e, "a mark of the writing direction"},
    {0x202f, 0x202f, "a no-break space"},
    {0x205f, 0x205f, "a space that is none of ASCII"},
    {0x2060, 0x2065, "a word joiner"},
    {0x2066, 0x2069, "a mark of the writing direction"},
    {0x206a, 0x206f, "a character that cannot be seen"},
    {0x2800, 0x2800, "a character that cannot be seen"},
    {0x3000, 0x3000, "a space that is none of ASCII"},
    {0x3164, 0x3164, "a character that cannot be seen"},
    {0xfe00, 0xfe0f, "a character that cannot be seen"},
    {0xfeff, 0xfeff, "a byte order mark"},
    {0xffa0, 0xffa0, "a character that cannot be seen"},
    {0xfff0, 0xfffb, "a character that cannot be seen"},
    {0x1d173, 0x1d17a, "a character that cannot be seen"},
    {0xe0000, 0xe0fff, "a character that cannot be seen"},
};

static const struct range *find_deceptive(unsigned code)
{
	for (size_t i = 0; i < sizeof(deceptive) / sizeof(deceptive[0]); i++)
		if (code >= deceptive[i].from && code <= deceptive[i].to)
			return &deceptive[i];
	return NULL;
}

struct text_character text_first(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = text_character_length(text);

	if (length == 0)
		return (struct text_character){.length = 1, .code = at[0]};
	unsigned code = decode(at, length);
	const struct range *found = find_deceptive(code);
	return (struct text_character){length, code, true, found == NULL,
				       found == NULL ? NULL : found->stray};
}

static int name_it(const struct text_character *character, char out[ESCAPE_MAX])
{
	switch (character->code) {
	case '\n':
		return snprintf(out, ESCAPE_MAX, "\\n");
	case '\r':
		return snprintf(out, ESCAPE_MAX, "\\r");
	case '\t':
		return snprintf(out, ESCAPE_MAX, "\\t");
	default:
		return snprintf(out, ESCAPE_MAX,
				!character->is_utf8 || character->code < 0x80 ? "\\x%02x"
				: character->code <= 0xffff		      ? "\\u%04x"
									      : "\\U%08x",
				character->code);
	}
}

size_t text_escape(const char *text, char *out, size_t size)
{
	const char *at = text;
	size_t used = 0;

	while (*at != '\0') {
		struct text_character character = text_first(at);
		char escape[ESCAPE_MAX];
		size_t length =
		    character.is_plain ? character.length : (size_t)name_it(&character, escape);
		if (length >= size - used)
			break;
		memcpy(out + used, character.is_plain ? at : escape, length);
		used += length;
		at += character.length;
	}
	out[used] = '\0';
	return (size_t)(at - text);
}

void text_end_in_dots(char *text, size_t size)
{
	static const char dots[] = "...";
	size_t end = strlen(text);

	if (end > size - sizeof(dots))
		end = size - sizeof(dots);
	while (end > 0 && is_continuation((unsigned char)text[end]))
		end--;
	memcpy(text + end, dots, sizeof(dots));
}
