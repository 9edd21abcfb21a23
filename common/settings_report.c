#include "common/settings_loading.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	FINDINGS_MAX = 100,
	LINE_MAX_BYTES = 1024,
	TAIL_ROOM = 32, /* for "and N more" */
};

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
