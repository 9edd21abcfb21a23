#include "dns-hooks/plan/print.h"

#include "common/log.h"
#include "common/say.h"
#include "common/text.h"
#include "dns-hooks/records/record_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 512, LINE_MAX_BYTES = 1024 };

/* A value as a zone file would have it. */
static void show_value(const struct record *record, char shown[SHOWN_MAX])
{
	struct buffer quoted;
	int wanted;

	buffer_init(&quoted, RECORD_VALUE_MAX * 2);
	if (record->type == RECORD_TXT && record_quote(record->value, &quoted) == 0)
		wanted = snprintf(shown, SHOWN_MAX, "%s", buffer_text(&quoted));
	else
		wanted = snprintf(shown, SHOWN_MAX, "%s", record->value);
	buffer_free(&quoted);
	if (wanted >= SHOWN_MAX)
		text_end_in_dots(shown, SHOWN_MAX);
}

static void add_side(const struct record *record, struct buffer *line)
{
	char shown[SHOWN_MAX];

	show_value(record, shown);
	buffer_printf(line, "%s %s%s", record_type_text(record), shown,
		      record->proxied ? " (proxied)" : "");
}

static void add_change(const struct change *change, struct buffer *line)
{
	if (change->kind != CHANGE_ADD)
		add_side(&change->before, line);
	if (change->kind == CHANGE_UPDATE)
		buffer_puts(line, " -> ");
	if (change->kind != CHANGE_REMOVE)
		add_side(&change->after, line);
}

static void print_change(const struct change *change)
{
	static const char marks[] = {
	    [CHANGE_ADD] = '+', [CHANGE_UPDATE] = '~', [CHANGE_REMOVE] = '-'};
	struct buffer line;

	buffer_init(&line, (size_t)4 * SHOWN_MAX);
	add_change(change, &line);
	say(stdout, "  %c %s  (%s)", marks[change->kind], buffer_text(&line), change->reason);
	buffer_free(&line);
}

/* Each line of `lines` behind `mark`. */
static void print_lines(const char *mark, const struct buffer *lines)
{
	const char *at = buffer_text(lines);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		bool fits = length <= LINE_MAX_BYTES;
		say(stdout, "  %s %.*s%s", mark, fits ? (int)length : LINE_MAX_BYTES, at,
		    fits ? "" : "...");
		at += length + (at[length] == '\n');
	}
}

void print_plan(const struct desired_records *desired, const struct plan *plan)
{
	if (plan->changes.count == 0 && plan->warnings.length == 0 && !plan->warnings.failed)
		return;
	say(stdout, "%s", desired->name);
	for (size_t i = 0; i < plan->changes.count; i++)
		print_change(&plan->changes.items[i]);
	if (plan->changes.count > 0)
		print_lines("*", &plan->notes);
	print_lines("!", &plan->warnings);
	if (plan->warnings.failed)
		puts(
		    "  ! there is more to warn about than can be shown; look at the records there");
}

static void log_change(enum print_stage stage, const char *name, const struct change *change)
{
	static const char *const words[][3] = {
	    [PRINT_FOR_OPERATOR] = {[CHANGE_ADD] = "to be made by hand: adding",
				    [CHANGE_UPDATE] = "to be made by hand: changing",
				    [CHANGE_REMOVE] = "to be made by hand: removing"},
	    [PRINT_TRIED] = {[CHANGE_ADD] = "failed: adding",
			     [CHANGE_UPDATE] = "failed: changing",
			     [CHANGE_REMOVE] = "failed: removing"},
	    [PRINT_MADE] =
		{[CHANGE_ADD] = "added", [CHANGE_UPDATE] = "changed", [CHANGE_REMOVE] = "removed"},
	};
	struct buffer line;

	buffer_init(&line, (size_t)4 * SHOWN_MAX);
	add_change(change, &line);
	/* Whoever tried tells of the failure itself. */
	(stage == PRINT_TRIED ? log_debug : log_info)("%s the DNS record %s %s (%s)",
						      words[stage][change->kind], name,
						      buffer_text(&line), change->reason);
	buffer_free(&line);
}

static void log_each(void (*log)(const char *format, ...), const char *name,
		     const struct buffer *lines)
{
	const char *at = buffer_text(lines);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		log("%s: %.*s", name, length < LINE_MAX_BYTES ? (int)length : LINE_MAX_BYTES, at);
		at += length + (at[length] == '\n');
	}
}

void print_changes_to_log(const struct desired_records *desired, const struct plan *plan,
			  enum print_stage stage)
{
	for (size_t i = 0; i < plan->changes.count; i++)
		log_change(stage, desired->name, &plan->changes.items[i]);
	if (plan->changes.count > 0)
		log_each(stage == PRINT_TRIED ? log_debug : log_info, desired->name, &plan->notes);
}

void print_warnings_to_log(const struct desired_records *desired, const struct plan *plan)
{
	log_each(log_warn, desired->name, &plan->warnings);
	if (plan->warnings.failed)
		log_warn("%s: there is more to warn about than can be shown; look at the records "
			 "there",
			 desired->name);
}

void print_failure(const struct desired_records *desired, const struct error *err)
{
	say(stdout, "%s", desired->name);
	say(stdout, "  x %s", err->text);
}

void print_note(const char *note)
{
	say(stdout, "  * %s", note);
}

void print_doubt(const struct error *doubt)
{
	say(stdout, "! %s", doubt->text);
}

void print_count(const struct plan *plan, struct print_counts *counts)
{
	for (size_t i = 0; i < plan->changes.count; i++) {
		enum change_kind kind = plan->changes.items[i].kind;
		counts->added += kind == CHANGE_ADD;
		counts->changed += kind == CHANGE_UPDATE;
		counts->removed += kind == CHANGE_REMOVE;
	}
}

void print_summary(const struct print_counts *counts, bool is_plan, bool has_failed,
		   bool is_partial)
{
	if (counts->added + counts->changed + counts->removed > 0 || is_partial)
		printf(is_plan ? "Plan: %zu to add, %zu to change, %zu to remove.\n"
			       : "Applied: %zu added, %zu changed, %zu removed%s.\n",
		       counts->added, counts->changed, counts->removed,
		       is_partial ? "; of what failed, a part may have been made" : "");
	else if (!has_failed)
		puts("No changes.");
}

void print_by_hand(const struct print_counts *counts, const char *provider, bool is_unclear)
{
	if (counts->added + counts->changed + counts->removed > 0)
		printf("Make these records by hand, as DNS_PROVIDER=%s only answers challenges: "
		       "%zu to add, %zu to change, %zu to remove.\n",
		       provider, counts->added, counts->changed, counts->removed);
	else if (!is_unclear)
		puts("No changes.");
}

void print_record_line(const struct record *record, char line[PRINT_RECORD_MAX])
{
	char shown[SHOWN_MAX];

	show_value(record, shown);
	snprintf(line, PRINT_RECORD_MAX, "%s. %u IN %s %s%s", record->name, record->ttl,
		 record_type_text(record), shown, record->type == RECORD_CNAME ? "." : "");
}

void print_record(const struct record *record)
{
	char line[PRINT_RECORD_MAX];

	print_record_line(record, line);
	say(stdout, "%s%s", line, record->proxied ? " ; proxied" : "");
}
