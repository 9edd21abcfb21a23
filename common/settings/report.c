/* What is wrong, said with the value as it may be shown: what cannot be seen is shown, what was not
 * meant is named. */
#include "common/settings/loading.h"
#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	FINDINGS_MAX = 100,
	LINE_MAX_BYTES = 1024,
	TAIL_ROOM = 32, /* for "and N more" */
};

/* ---- quotes */

/* " or ', or what a word processor makes of them (U+2018 to U+201F). */
static bool is_quote(const char *text, size_t length)
{
	if (length == 0)
		return false;
	if (*text == '"' || *text == '\'')
		return true;
	return length >= 3 && memcmp(text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x98 &&
	       (unsigned char)text[2] <= 0x9f;
}

bool settings_is_quoted(const char *text, size_t length)
{
	if (length < 2 || !is_quote(text, length))
		return false;
	return is_quote(text + length - 1, 1) || (length >= 6 && is_quote(text + length - 3, 3));
}

#define QUOTES_KEPT "the quotes are part of it, as `docker --env-file` keeps them: leave them out"

/* ---- lines */

static void add_line(struct loading *in, struct findings *findings, const char *line)
{
	struct buffer *lines = findings->lines;
	size_t room = lines->maximum - lines->length;

	findings->count++;
	if (findings->count > FINDINGS_MAX || room < strlen(line) + 1 + TAIL_ROOM) {
		findings->hidden++;
		return;
	}
	if (buffer_printf(lines, "%s\n", line) != 0)
		in->no_memory = true;
}

static void add_formatted(struct loading *in, struct findings *findings, const char *format,
			  va_list args) __attribute__((format(printf, 3, 0)));

static void add_formatted(struct loading *in, struct findings *findings, const char *format,
			  va_list args)
{
	char line[LINE_MAX_BYTES];

	vsnprintf(line, sizeof(line), format, args);
	add_line(in, findings, line);
}

void settings_problem(struct loading *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(in, &in->problems, format, args);
	va_end(args);
}

void settings_warn(struct loading *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(in, &in->warnings, format, args);
	va_end(args);
}

const char *settings_wrong(struct loading *in, const struct setting *row, const char *value,
			   const char *rule, ...)
{
	char shown[SETTING_SHOWN_SIZE] = "***";
	char hint[SETTING_HINT_SIZE];
	char why[LINE_MAX_BYTES / 2];
	va_list args;

	if ((row->flags & SETTING_SECRET) == 0)
		settings_show(value, strlen(value), shown);
	va_start(args, rule);
	vsnprintf(why, sizeof(why), rule, args);
	va_end(args);
	settings_hint(value, strlen(value), hint);
	settings_problem(in, "%s is \"%s\": %s%s", row->name, shown, why, hint);
	return NULL;
}

/* Of a list in quotes the first entry begins with one, and the last ends so. */
static void hint_at_list(const struct setting_item *item, char out[SETTING_HINT_SIZE])
{
	const char *last = item->text + item->length - 1;

	if (is_quote(item->text, item->length) || is_quote(last, 1))
		snprintf(out, SETTING_HINT_SIZE, "; " QUOTES_KEPT);
	else if (memchr(item->text, ' ', item->length) != NULL)
		snprintf(out, SETTING_HINT_SIZE, "; entries are separated by commas and line ends");
}

void settings_wrong_item(struct loading *in, const struct setting *row,
			 const struct setting_item *item, const char *rule, ...)
{
	char shown[SETTING_SHOWN_SIZE];
	char hint[SETTING_HINT_SIZE];
	char why[LINE_MAX_BYTES / 2];
	va_list args;

	settings_show(item->text, item->length, shown);
	va_start(args, rule);
	vsnprintf(why, sizeof(why), rule, args);
	va_end(args);
	settings_hint(item->text, item->length, hint);
	if (hint[0] == '\0')
		hint_at_list(item, hint);
	settings_problem(in, "%s%s has \"%s\" (%s %zu): %s%s", row->name,
			 in->is_file ? "_FILE" : "", shown, in->is_file ? "line" : "entry",
			 in->is_file ? item->line : item->number, why, hint);
}

static void close_list(struct loading *in, struct findings *findings)
{
	if (findings->hidden > 0 &&
	    findings->lines->maximum - findings->lines->length >= TAIL_ROOM &&
	    buffer_printf(findings->lines, "and %zu more\n", findings->hidden) != 0)
		in->no_memory = true;
}

void settings_close_findings(struct loading *in)
{
	close_list(in, &in->problems);
	close_list(in, &in->warnings);
}

/* ---- characters that cannot be seen */

/* What is at `text`, of which `length` bytes are the value's. */
static struct text_character first(const char *text, size_t length)
{
	struct text_character character = text_first(text);

	return character.length <= length ? character : (struct text_character){.length = 1};
}

/* The first of them: its name, or NULL, and where it is. */
static const char *find_stray(const char *text, size_t length, size_t *at, size_t *size)
{
	for (*at = 0; *at < length; *at += *size) {
		struct text_character character = first(text + *at, length - *at);
		*size = character.length;
		if (character.stray != NULL)
			return character.stray;
	}
	return NULL;
}

bool settings_has_unseen(const char *text, size_t length)
{
	size_t at, size;

	return find_stray(text, length, &at, &size) != NULL;
}

/* ---- hints */

/* What a shell or Compose would have done with a value, and nobody did. */
static const char *find_leftover(const char *text, size_t length)
{
	if (settings_is_quoted(text, length))
		return QUOTES_KEPT;
	if (memmem(text, length, "${", 2) != NULL)
		return "${...} was not replaced by the variable's value: Compose does that, "
		       "`docker --env-file` does not";
	if (memmem(text, length, " #", 2) != NULL)
		return "what begins with # is part of it, as `docker --env-file` keeps it: leave "
		       "it out";
	if (length > 0 && (text[0] == ' ' || text[length - 1] == ' '))
		return text[0] == ' ' ? "it begins with a space: remove that"
				      : "it ends with a space: remove that";
	return NULL;
}

void settings_hint(const char *text, size_t length, char out[SETTING_HINT_SIZE])
{
	size_t at, size;
	const char *name = find_stray(text, length, &at, &size);
	const char *leftover = find_leftover(text, length);

	out[0] = '\0';
	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		snprintf(out, SETTING_HINT_SIZE,
			 "; it is UTF-16, as some editors and shells of Windows write: save it as "
			 "UTF-8");
	else if (name != NULL)
		snprintf(out, SETTING_HINT_SIZE, "; it %s %s%s: remove that",
			 at == 0 ? "begins with" : (at + size == length ? "ends with" : "has"),
			 name, at == 0 || at + size == length ? "" : " in it");
	else if (leftover != NULL)
		snprintf(out, SETTING_HINT_SIZE, "; %s", leftover);
}

/* ---- as it may stand in a message */

/* The part of "scheme://user:password@host" that must not be seen: from the byte behind
 * "://" up to the last '@'. */
static void find_credentials(const char *text, size_t length, size_t *from, size_t *to)
{
	const char *scheme = memmem(text, length, "://", 3);
	const char *at = memrchr(text, '@', length);

	*from = *to = 0;
	if (scheme == NULL || at == NULL || at < scheme)
		return;
	*from = (size_t)(scheme + 3 - text);
	*to = (size_t)(at - text);
}

struct shown {
	char *out;
	size_t used;
	bool is_cut;
};

static void append(struct shown *shown, const char *bytes, size_t count)
{
	if (shown->is_cut || shown->used + count > SETTING_SHOWN_MAX) {
		shown->is_cut = true;
		return;
	}
	memcpy(shown->out + shown->used, bytes, count);
	shown->used += count;
}

/* Whole characters only, whether escaped or not. */
static void append_visibly(struct shown *shown, const char *text, size_t length)
{
	struct text_character character;

	for (size_t at = 0; at < length; at += character.length) {
		char escaped[4 * 4 + 1];
		character = first(text + at, length - at);
		if (character.is_plain) {
			append(shown, text + at, character.length);
			continue;
		}
		for (size_t i = 0; i < character.length; i++)
			snprintf(escaped + 4 * i, 5, "\\x%02x", (unsigned char)text[at + i]);
		append(shown, escaped, 4 * character.length);
	}
}

void settings_show(const char *text, size_t length, char out[SETTING_SHOWN_SIZE])
{
	struct shown shown = {out, 0, false};
	size_t from, to;

	find_credentials(text, length, &from, &to);
	append_visibly(&shown, text, from);
	if (to > from)
		append(&shown, "***", 3);
	append_visibly(&shown, text + to, length - to);
	memcpy(out + shown.used, shown.is_cut ? "..." : "", shown.is_cut ? 4 : 1);
}
