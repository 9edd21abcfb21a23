/* Secrets for a program that has no business with them but runs one that has. */
#include "common/file.h"
#include "common/settings_loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_secret(const char *variable, size_t name_length)
{
	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if ((row->flags & SETTING_SECRET) != 0 && strlen(row->name) == name_length &&
		    strncmp(row->name, variable, name_length) == 0)
			return true;
	}
	return false;
}

/* Writes the value of `*variable` into a file and puts NAME_FILE=PATH in its place. */
static int move_one(char **variable, const char *folder, struct error *err)
{
	size_t name_length = strcspn(*variable, "=");
	const char *value = *variable + name_length + 1;
	AUTO_FREE char *name = strndup(*variable, name_length);
	AUTO_FREE char *path = name == NULL ? NULL : file_join(folder, name);
	char *moved = NULL;

	if (path == NULL || asprintf(&moved, "%s_FILE=%s", name, path) < 0)
		return error_no_memory(err);
	if (file_write(path, 0600, value, strlen(value), err) != 0) {
		free(moved);
		return -1;
	}
	explicit_bzero(*variable, strlen(*variable));
	free(*variable);
	*variable = moved; /* owned by the environment now */
	return 0;
}

int settings_move_secrets(char **environment, const char *folder, struct error *err)
{
	for (char **at = environment; *at != NULL; at++)
		if (is_secret(*at, strcspn(*at, "=")) && move_one(at, folder, err) != 0)
			return -1;
	return 0;
}
