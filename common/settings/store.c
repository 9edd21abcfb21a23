/* What the settings own, and where the values of rows go. */
#include "common/settings/loading.h"

#include <stdlib.h>
#include <string.h>

struct kept_string {
	struct kept_string *next;
	char text[];
};

const char *settings_given(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment != NULL; environment++) {
		if (strncmp(*environment, name, length) != 0 || (*environment)[length] != '=')
			continue;
		const char *value = *environment + length + 1;
		return *value == '\0' ? NULL : value;
	}
	return NULL;
}

struct setting_state *settings_state(const struct settings *settings, const char *name)
{
	size_t i = 0;

	while (strcmp(settings_table[i].name, name) != 0)
		i++;
	return &settings->store->states[i];
}

const char *settings_store_text(struct settings_store *store, const char *text, size_t length)
{
	struct kept_string *kept = malloc(sizeof(*kept) + length + 1);

	if (kept == NULL)
		return NULL;
	memcpy(kept->text, text, length);
	kept->text[length] = '\0';
	kept->next = store->strings;
	store->strings = kept;
	return kept->text;
}

const char *settings_keep(struct loading *in, const char *text, size_t length)
{
	const char *kept = settings_store_text(in->settings->store, text, length);

	in->no_memory = in->no_memory || kept == NULL;
	return kept;
}

void *settings_field(struct loading *in, const struct setting *row)
{
	return row->field == SETTING_NO_FIELD ? NULL : (char *)in->settings + row->field;
}

const char *settings_set_text(struct loading *in, const struct setting *row, const char *text)
{
	const char **field = settings_field(in, row);

	if (field != NULL)
		*field = text;
	return text;
}

void *settings_grow(struct loading *in, void *array, size_t count, size_t size)
{
	/* Grown at 0, 8, 16, 32, ... */
	if (count != 0 && (count < 8 || (count & (count - 1)) != 0))
		return array;
	void *grown = realloc(array, (count == 0 ? 8 : count * 2) * size);
	if (grown == NULL)
		in->no_memory = true;
	return grown;
}

void settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	if (settings->store != NULL) {
		struct kept_string *next = settings->store->strings;
		while (next != NULL) {
			struct kept_string *kept = next;
			next = kept->next;
			free(kept);
		}
		free(settings->store->states);
		free(settings->store);
	}
	free(settings->domains);
	free(settings->routes);
	free(settings->challenge_targets);
	free(settings->doh_resolvers);
	free(settings->backend_networks);
	free(settings->server_first.names);
	free(settings->send_proxy_protocol.names);
	free(settings);
}
