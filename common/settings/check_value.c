/* Values that need no look at names or addresses: numbers, times, words, opaque text. */
#include "common/settings/checks.h"
#include "common/time_text.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* HAProxy's largest timer, 2^31 - 1 milliseconds (24.8 days). */
#define TIME_MAX_MS 2147483647

enum { DIGITS_MAX = 15 };

bool settings_consists_of(const char *text, size_t length, const char *punctuation)
{
	for (size_t i = 0; i < length; i++) {
		bool is_alnum = isascii((unsigned char)text[i]) && isalnum((unsigned char)text[i]);
		if (!is_alnum && (text[i] == '\0' || strchr(punctuation, text[i]) == NULL))
			return false;
	}
	return true;
}

/* Reads the digits that `text` begins with; NULL if there are none, else what follows them.
 * Numbers too large for every setting become LONG_MAX. */
static const char *read_digits(const char *text, long *number)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0)
		return NULL;
	*number = 0;
	for (size_t i = 0; i < length && i < DIGITS_MAX; i++)
		*number = *number * 10 + (text[i] - '0');
	if (length > DIGITS_MAX)
		*number = LONG_MAX;
	return text + length;
}

const char *settings_boolean_word(const char *value)
{
	static const char *const words[][2] = {{"true", "true"},   {"yes", "true"}, {"1", "true"},
					       {"false", "false"}, {"no", "false"}, {"0", "false"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

const char *settings_check_boolean(struct loading *in, const struct setting *row, const char *value)
{
	const char *word = settings_boolean_word(value);
	bool *field = settings_field(in, row);

	if (word == NULL)
		return settings_wrong(in, row, value, "must be true or false (or yes, no, 1, 0)");
	if (field != NULL)
		*field = *word == 't';
	return word;
}

static bool read_number(const struct setting *row, const char *value, long *number)
{
	const char *rest = read_digits(value, number);

	return rest != NULL && *rest == '\0' && *number >= row->minimum && *number <= row->maximum;
}

const char *settings_check_integer(struct loading *in, const struct setting *row, const char *value)
{
	long *field = settings_field(in, row);
	long number;

	if (!read_number(row, value, &number))
		return settings_wrong(in, row, value, "must be a whole number from %ld to %ld",
				      row->minimum, row->maximum);
	if (field != NULL)
		*field = number;
	return value;
}

const char *settings_check_port(struct loading *in, const struct setting *row, const char *value)
{
	unsigned short *field = settings_field(in, row);
	long number;

	if (!read_number(row, value, &number))
		return settings_wrong(in, row, value, "must be a port from %ld to %ld",
				      row->minimum, row->maximum);
	if (field != NULL)
		*field = (unsigned short)number;
	return value;
}

const char *settings_check_time(struct loading *in, const struct setting *row, const char *value)
{
	int64_t us = time_text_us(value);

	if (us < 0)
		return settings_wrong(
		    in, row, value,
		    "must be a time with a unit (us, ms, s, m, h, d), for example \"10s\"");
	if (us < 1000 || us > TIME_MAX_MS * 1000LL)
		return settings_wrong(
		    in, row, value,
		    "must be a time from 1ms to %dms (24 days), for example \"10s\"", TIME_MAX_MS);
	return settings_set_text(in, row, value);
}

const char *settings_check_time_or_0(struct loading *in, const struct setting *row,
				     const char *value)
{
	int64_t us = time_text_us(value);

	if (us == 0 || strcmp(value, "0") == 0)
		return settings_set_text(in, row, "0");
	if (us < 1000 || us > TIME_MAX_MS * 1000LL)
		return settings_wrong(in, row, value,
				      "must be a time with a unit (ms, s, m, h, d) up to %dms (24 "
				      "days), for example \"10s\", or 0",
				      TIME_MAX_MS);
	return settings_set_text(in, row, value);
}

bool settings_has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

/* The words that this version accepts, as "a, b, c". */
static void list_choices(const struct setting *row, char *out, size_t size)
{
	char word[32];
	size_t used = 0;

	out[0] = '\0';
	for (const char *at = row->words; *at != '\0'; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		at += length;
		if (row->not_yet != NULL && settings_has_word(row->not_yet, word))
			continue;
		snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", word);
		used = strlen(out);
	}
}

const char *settings_check_word(struct loading *in, const struct setting *row, const char *value)
{
	char choices[128];

	if (strchr(value, ' ') == NULL && settings_has_word(row->words, value))
		return settings_set_text(in, row, value);
	list_choices(row, choices, sizeof(choices));
	return settings_wrong(in, row, value, "must be one of: %s", choices);
}

bool settings_refuse_not_yet(struct loading *in, const struct setting *row, const char *value)
{
	if (row->not_yet == NULL || (row->fallback != NULL && strcmp(value, row->fallback) == 0))
		return false;
	if (strcmp(row->not_yet, "*") != 0 && !settings_has_word(row->not_yet, value))
		return false;
	settings_wrong(in, row, value, "this is not supported yet");
	return true;
}

const char *settings_check_text(struct loading *in, const struct setting *row, const char *value)
{
	size_t length = strlen(value);
	bool any_start = (row->flags & SETTING_ANY_START) != 0;

	if (length < (size_t)row->minimum || length > (size_t)row->maximum ||
	    !settings_consists_of(value, length, row->words))
		return settings_wrong(in, row, value,
				      "must be %ld to %ld characters: letters, digits and \"%s\"",
				      row->minimum, row->maximum, row->words);
	/* What begins with '-' could become an option of a program it is handed to. */
	if (!any_start && !isalnum((unsigned char)*value))
		return settings_wrong(in, row, value, "must begin with a letter or digit");
	return settings_set_text(in, row, value);
}

const char *settings_check_key_algorithm(struct loading *in, const struct setting *row,
					 const char *value)
{
	if (strcmp(value, "hmac-sha384") == 0)
		return settings_wrong(in, row, value,
				      "the DNS library (ldns) signs with it wrongly; use a key for "
				      "hmac-sha256 or hmac-sha512");
	return settings_check_word(in, row, value);
}

/* ---- secrets: their shape; what is returned is not the value */

const char *settings_check_printable(struct loading *in, const struct setting *row,
				     const char *value)
{
	(void)in;
	(void)row;
	(void)value; /* settings_read_secret() has looked at it already */
	return "***";
}

static const char *check_base64(struct loading *in, const struct setting *row, const char *value,
				const char *punctuation, const char *rule)
{
	size_t body = strcspn(value, "=");
	size_t padding = strlen(value) - body;

	if (body == 0 || padding > 2 || strspn(value + body, "=") != padding || body % 4 == 1 ||
	    !settings_consists_of(value, body, punctuation))
		return settings_wrong(in, row, value, "%s", rule);
	return "***";
}

const char *settings_check_base64(struct loading *in, const struct setting *row, const char *value)
{
	if (strlen(value) % 4 != 0)
		return settings_wrong(in, row, value,
				      "must be base64, a multiple of 4 characters long");
	return check_base64(in, row, value, "+/", "must be base64");
}

const char *settings_check_base64url(struct loading *in, const struct setting *row,
				     const char *value)
{
	return check_base64(in, row, value, "-_",
			    "must be base64url (letters, digits, \"-\" and \"_\")");
}
