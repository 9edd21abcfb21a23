/* The table of `ingressd --check`. */
#include "common/settings/checks.h"

#include <stdio.h>
#include <string.h>

enum {
	VALUE_WIDTH_MAX = 48, /* longer values push their source to the right */
	ENTRIES_SHOWN_MAX = 16,
};

/* Those that may have hundreds of entries get a line for each. */
static bool is_list(const struct setting *row)
{
	return row->check == settings_check_domains || row->check == settings_check_routes ||
	       row->check == settings_check_server_first || row->check == settings_check_networks;
}

/* The value of a row on one line (the first entry of a list on several). */
static void first_line(const struct setting *row, const struct setting_state *state,
		       char out[SETTING_SHOWN_SIZE])
{
	struct setting_list list = {.at = state->value};
	struct setting_item item;

	if (state->value == NULL) {
		snprintf(out, SETTING_SHOWN_SIZE, "%s", row->unset == NULL ? "-" : row->unset);
		return;
	}
	if ((row->flags & SETTING_SECRET) != 0) {
		snprintf(out, SETTING_SHOWN_SIZE, "***");
		return;
	}
	item = (struct setting_item){state->value, strlen(state->value), 1, 1};
	if (is_list(row) && !settings_next_item(&list, &item))
		item.length = 0; /* nothing but comments */
	settings_show(item.text, item.length, out);
}

static void more_lines(const char *value, int indent, FILE *out)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	char shown[SETTING_SHOWN_SIZE];
	size_t hidden = 0;

	while (settings_next_item(&list, &item)) {
		if (item.number == 1)
			continue;
		if (item.number > ENTRIES_SHOWN_MAX) {
			hidden++;
			continue;
		}
		settings_show(item.text, item.length, shown);
		fprintf(out, "%*s%s\n", indent, "", shown);
	}
	if (hidden > 0)
		fprintf(out, "%*sand %zu more\n", indent, "", hidden);
}

/* Widths of the first two columns. */
static void measure(const struct settings *settings, int *name_width, int *value_width)
{
	char shown[SETTING_SHOWN_SIZE];

	*name_width = *value_width = 0;
	for (size_t i = 0; i < settings_table_length; i++) {
		int name = (int)strlen(settings_table[i].name);
		first_line(&settings_table[i], &settings->store->states[i], shown);
		int value = (int)strlen(shown);
		if (name > *name_width)
			*name_width = name;
		if (value > *value_width && value <= VALUE_WIDTH_MAX)
			*value_width = value;
	}
}

int settings_print(const struct settings *settings, FILE *out)
{
	char shown[SETTING_SHOWN_SIZE];
	int name_width, value_width;

	measure(settings, &name_width, &value_width);
	fprintf(out, "%-*s  %-*s  %s\n", name_width, "VARIABLE", value_width, "VALUE", "SOURCE");
	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		const struct setting_state *state = &settings->store->states[i];
		first_line(row, state, shown);
		fprintf(out, "%-*s  %-*s  %s%s\n", name_width, row->name, value_width, shown,
			state->source, state->wrong ? ", wrong" : "");
		if (state->value != NULL && is_list(row))
			more_lines(state->value, name_width + 2, out);
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}
