#include "dns-hooks/print.h"

#include "common/text.h"
#include "dns-hooks/record_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 512 };

/* A value as a zone file would have it, fit for a terminal: anybody may have written it. */
static void show_value(const struct record *record, char shown[SHOWN_MAX])
{
	struct buffer quoted;

	buffer_init(&quoted, RECORD_VALUE_MAX * 2);
	if (record->type == RECORD_TXT && record_quote(record->value, &quoted) == 0)
		snprintf(shown, SHOWN_MAX, "%s", buffer_text(&quoted));
	else
		snprintf(shown, SHOWN_MAX, "%s", record->value);
	buffer_free(&quoted);
	text_tidy(shown);
}

static void print_side(const struct record *record)
{
	char shown[SHOWN_MAX];

	show_value(record, shown);
	printf("%s %s%s", record_type_text(record), shown, record->proxied ? " (proxied)" : "");
}

static void print_change(const struct change *change, struct print_counts *counts)
{
	switch (change->kind) {
	case CHANGE_ADD:
		printf("  + ");
		print_side(&change->after);
		counts->added++;
		break;
	case CHANGE_UPDATE:
		printf("  ~ ");
		print_side(&change->before);
		printf(" -> ");
		print_side(&change->after);
		counts->changed++;
		break;
	case CHANGE_REMOVE:
		printf("  - ");
		print_side(&change->before);
		counts->removed++;
		break;
	}
	printf("  (%s)\n", change->reason);
}

/* Each line of `lines` behind `mark`. */
static void print_lines(const char *mark, const struct buffer *lines)
{
	const char *at = buffer_text(lines);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		char line[SHOWN_MAX * 2];
		snprintf(line, sizeof(line), "%.*s", (int)length, at);
		text_tidy(line);
		printf("  %s %s\n", mark, line);
		at += length + (at[length] == '\n');
	}
}

void print_plan(const struct target *target, const struct plan *plan, struct print_counts *counts)
{
	if (plan->changes.count == 0 && plan->warnings.length == 0 && !plan->warnings.failed)
		return;
	printf("%s\n", target->name);
	for (size_t i = 0; i < plan->changes.count; i++)
		print_change(&plan->changes.items[i], counts);
	if (plan->changes.count > 0)
		print_lines("*", &plan->notes);
	print_lines("!", &plan->warnings);
	if (plan->warnings.failed)
		puts(
		    "  ! there is more to warn about than can be shown; look at the records there");
}

void print_failure(const struct target *target, const struct error *err)
{
	printf("%s\n  x %s\n", target->name, err->text);
}

void print_note(const char *note)
{
	printf("  * %s\n", note);
}

void print_doubt(const struct error *doubt)
{
	printf("! %s\n", doubt->text);
}

void print_add_counts(struct print_counts *sum, const struct print_counts *counts)
{
	sum->added += counts->added;
	sum->changed += counts->changed;
	sum->removed += counts->removed;
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

void print_record(const struct record *record)
{
	char shown[SHOWN_MAX];

	show_value(record, shown);
	printf("%s. %u IN %s %s%s%s\n", record->name, record->ttl, record_type_text(record), shown,
	       record->type == RECORD_CNAME ? "." : "", record->proxied ? " ; proxied" : "");
}
