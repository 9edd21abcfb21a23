#include "common/settings_places.h"

#include "common/settings_loading.h"

#include <stdlib.h>
#include <string.h>

static bool is_place(const struct setting *row)
{
	static const char *const names[] = {"EVIDENCE_DIR", "RUN_DIR", "DSTACK_SOCKET",
					    "TAPPD_SOCKET"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(row->name, names[i]) == 0)
			return true;
	return false;
}

static void load_places(struct loading *in, char *const *environ_block)
{
	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if (!is_place(row))
			continue;
		const char *given = settings_given(environ_block, row->name);
		row->check(in, row, given != NULL ? given : row->fallback);
	}
	settings_close_findings(in);
}

struct settings *settings_load_places(char *const *environ_block, struct buffer *problems,
				      struct error *err)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	struct loading in = {.settings = settings, .problems = {.lines = problems}};

	if (settings != NULL)
		settings->store = calloc(1, sizeof(*settings->store));
	if (settings != NULL && settings->store != NULL)
		load_places(&in, environ_block);
	else
		in.no_memory = true;
	if (!in.no_memory && in.problems.count == 0)
		return settings;
	if (in.no_memory)
		error_no_memory(err);
	else
		error_set(err, EXIT_BAD_CONFIG, "%zu setting%s wrong", in.problems.count,
			  in.problems.count == 1 ? " is" : "s are");
	settings_free(settings);
	return NULL;
}
