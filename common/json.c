#include "common/json.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 64,	 /* cJSON recurses, and so does what walks its values */
	QUOTED_MAX = 60, /* of a bad text, in messages */
};

static const char PRINTABLE[] =
    " !\"#$%&'()*+,-./"
    "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

static const double INTEGER_MAX = 9007199254740992.0; /* 2^53: above, doubles skip integers */

void json_free(cJSON **value)
{
	cJSON_Delete(*value);
	*value = NULL;
}

/* ---- what cJSON would let pass */

/* Whether four hex digits follow that are not all 0; cJSON takes what is none of them for NUL. */
static bool is_character(const char *digits)
{
	size_t length = strspn(digits, "0123456789abcdefABCDEF");

	return length >= 4 && strncmp(digits, "0000", 4) != 0;
}

/*
 * Looks at the text before cJSON does.  A NUL, raw or as an escape, would cut a string short
 * for everyone who reads it as C text: "good\u0000evil" would compare equal to "good".
 */
static const char *find_flaw(const char *text, size_t length)
{
	unsigned depth = 0;
	bool in_string = false;

	if (memchr(text, '\0', length) != NULL)
		return "has a NUL byte";
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '"') {
			in_string = !in_string;
		} else if (in_string && *at == '\\' && at[1] != '\0') {
			at++;
			if (*at == 'u' && !is_character(at + 1))
				return "has an escape that is NUL, or no character";
		} else if (!in_string && (*at == '{' || *at == '[')) {
			if (++depth > DEPTH_MAX)
				return "is nested too deep";
		} else if (!in_string && (*at == '}' || *at == ']') && depth > 0) {
			depth--;
		}
	}
	return NULL;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* By sorting: a peer chooses how many members there are. */
static int check_names(const cJSON *object, const char *what, bool is_secret, struct error *err)
{
	size_t count = 0;

	for (const cJSON *member = object->child; member != NULL; member = member->next)
		count++;
	if (count < 2)
		return 0;
	AUTO_FREE const char **names = malloc(count * sizeof(*names));
	if (names == NULL)
		return error_no_memory(err);
	size_t filled = 0;
	for (const cJSON *member = object->child; member != NULL; member = member->next)
		names[filled++] = member->string;
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return is_secret
				   ? error_set(err, EXIT_FAILED, "%s has a member twice", what)
				   : error_set(err, EXIT_FAILED, "%s has the member \"%.*s\" twice",
					       what, QUOTED_MAX, names[i]);
	return 0;
}

/* RFC 8259 section 4: what a repeated name means is unpredictable, so two readers of one
 * text could see two things. */
static int check_all_names(const cJSON *value, const char *what, bool is_secret, struct error *err)
{
	if (cJSON_IsObject(value) && check_names(value, what, is_secret, err) != 0)
		return -1;
	for (const cJSON *child = value->child; child != NULL; child = child->next)
		if (check_all_names(child, what, is_secret, err) != 0)
			return -1;
	return 0;
}

/* ---- parsing */

/* Nothing is quoted of a secret, as every file may be: a link may have led to somebody's. */
static void refuse(const char *what, const char *flaw, const char *text, bool is_secret,
		   struct error *err)
{
	bool cut = strlen(text) > QUOTED_MAX;

	if (text[0] == '\0')
		error_set(err, EXIT_FAILED, "%s is empty where JSON was expected", what);
	else if (is_secret)
		error_set(err, EXIT_FAILED, "%s %s", what, flaw);
	else
		error_set(err, EXIT_FAILED, "%s %s: '%.*s%s'", what, flaw, QUOTED_MAX, text,
			  cut ? "..." : "");
}

static cJSON *parse(const char *text, size_t length, const char *what, bool is_secret,
		    struct error *err)
{
	/* cJSON 1.7 before 1.7.18 reads one byte past a text that ends after a comma
	 * (CVE-2023-53154), so it gets one that ends in a NUL. */
	AUTO_FREE char *copy = malloc(length + 1);

	if (copy == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (length > 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	const char *flaw = find_flaw(copy, length);
	cJSON *value = flaw != NULL ? NULL : cJSON_ParseWithOpts(copy, NULL, true);
	if (value == NULL)
		refuse(what, flaw != NULL ? flaw : "is not JSON", copy, is_secret, err);
	else if (check_all_names(value, what, is_secret, err) != 0)
		json_free(&value);
	if (is_secret)
		explicit_bzero(copy, length);
	return value;
}

cJSON *json_parse(const char *text, size_t length, const char *what, struct error *err)
{
	return parse(text, length, what, false, err);
}

cJSON *json_parse_secret(const char *text, size_t length, const char *what, struct error *err)
{
	return parse(text, length, what, true, err);
}

cJSON *json_read_file(const char *path, size_t maximum, struct error *err)
{
	struct buffer text;
	cJSON *value = NULL;

	buffer_init(&text, maximum);
	if (file_read(path, &text, err) == 0)
		value = parse(buffer_text(&text), text.length, path, true, err);
	buffer_free(&text);
	return value;
}

/* ---- members */

static const cJSON *member_of(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member_of(object, name));
}

const cJSON *json_array(const cJSON *object, const char *name)
{
	const cJSON *member = member_of(object, name);

	return cJSON_IsArray(member) ? member : NULL;
}

const cJSON *json_object(const cJSON *object, const char *name)
{
	const cJSON *member = member_of(object, name);

	return cJSON_IsObject(member) ? member : NULL;
}

long long json_integer(const cJSON *object, const char *name, long long fallback)
{
	const cJSON *member = member_of(object, name);

	if (!cJSON_IsNumber(member))
		return fallback;
	double value = member->valuedouble;
	if (!(value >= 0 && value <= INTEGER_MAX)) /* written so that NaN falls out too */
		return fallback;
	long long whole = (long long)value;
	return (double)whole == value ? whole : fallback;
}

bool json_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(member_of(object, name));
}

/* ---- printing */

/* What cJSON leaves as it is, though a terminal obeys it, or it is no UTF-8 and so no JSON.  Below
 * U+0020 there are only the line ends and tabs between the values. */
static void print_character(const struct text_character *character, struct buffer *into)
{
	unsigned code = character->is_utf8 ? character->code : 0xfffd;

	if (code > 0xffff)
		buffer_printf(into, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10),
			      0xdc00 + (code & 0x3ff));
	else
		buffer_printf(into, "\\u%04x", code);
}

static int print_plain(const char *text, struct buffer *into, struct error *err)
{
	for (const char *at = text; *at != '\0';) {
		size_t run = strspn(at, PRINTABLE);
		buffer_append(into, at, run);
		at += run;
		if (*at == '\0')
			break;
		struct text_character character = text_first(at);
		if (character.is_plain || (character.is_utf8 && character.code < ' '))
			buffer_append(into, at, character.length);
		else
			print_character(&character, into);
		at += character.length;
	}
	return buffer_check(into, "JSON", err);
}

char *json_print(const cJSON *value, bool indented, struct error *err)
{
	AUTO_FREE char *text = indented ? cJSON_Print(value) : cJSON_PrintUnformatted(value);
	struct buffer plain;

	if (text == NULL) {
		error_no_memory(err);
		return NULL;
	}
	buffer_init(&plain, SIZE_MAX);
	if (print_plain(text, &plain, err) != 0)
		return NULL;
	return buffer_take(&plain);
}
