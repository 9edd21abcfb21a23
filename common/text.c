#include "common/text.h"

#include <stdbool.h>
#include <stddef.h>

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

static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

void text_tidy(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0';) {
		size_t length = text_character_length((const char *)at);
		if (length > 0 && !is_control(at)) {
			at += length;
			continue;
		}
		*at = *at == '\t' ? ' ' : '?';
		at++;
	}
}
