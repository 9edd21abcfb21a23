#include "dns-hooks/records/caa_value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct caa_part trimmed(const char *start, size_t length)
{
	while (length > 0 && is_space(*start)) {
		start++;
		length--;
	}
	while (length > 0 && is_space(start[length - 1]))
		length--;
	return (struct caa_part){start, length};
}

/* Letters and digits, hyphens between them. */
static bool is_tag(const struct caa_part *tag)
{
	for (size_t i = 0; i < tag->length; i++) {
		bool is_inside = i > 0 && i + 1 < tag->length;
		if (!isalnum((unsigned char)tag->start[i]) && (tag->start[i] != '-' || !is_inside))
			return false;
	}
	return tag->length > 0;
}

static bool is_printable(const struct caa_part *part)
{
	for (size_t i = 0; i < part->length; i++)
		if (part->start[i] <= ' ' || part->start[i] > '~')
			return false;
	return true;
}

static int add_parameter(struct caa_value *value, const struct caa_part *text)
{
	const char *equals = memchr(text->start, '=', text->length);

	if (equals == NULL || value->count == CAA_PARAMETERS_MAX)
		return -1;
	size_t tag_length = (size_t)(equals - text->start);
	const struct caa_parameter parameter = {
	    trimmed(text->start, tag_length),
	    trimmed(equals + 1, text->length - tag_length - 1),
	};
	if (!is_tag(&parameter.tag) || !is_printable(&parameter.value))
		return -1;
	value->parameters[value->count++] = parameter;
	return 0;
}

int caa_value_parse(const char *text, struct caa_value *value)
{
	size_t length = strcspn(text, ";");

	*value = (struct caa_value){.issuer = trimmed(text, length)};
	if (!is_printable(&value->issuer))
		return -1;
	text += length;
	/* Nothing at all behind the first semicolon is fine ("ca.example;"); an empty parameter
	 * anywhere else is not, and CAs take the grammar at its word. */
	if (*text == ';' && text[1 + strspn(text + 1, " \t")] == '\0')
		return 0;
	while (*text == ';') {
		length = strcspn(++text, ";");
		struct caa_part piece = trimmed(text, length);
		if (add_parameter(value, &piece) != 0)
			return -1;
		text += length;
	}
	return 0;
}

bool caa_part_is(const struct caa_part *part, const char *text)
{
	return strlen(text) == part->length && memcmp(part->start, text, part->length) == 0;
}

bool caa_part_is_anycase(const struct caa_part *part, const char *text)
{
	return strlen(text) == part->length && strncasecmp(part->start, text, part->length) == 0;
}

bool caa_part_same(const struct caa_part *a, const struct caa_part *b)
{
	return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}
