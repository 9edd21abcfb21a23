/* What a child gets to see. */
#include "common/file.h"
#include "common/settings/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libc, Python, certbot and libcurl go by.  (libcurl ignores HTTP_PROXY in capitals, since a
 * CGI program's client could set it.) */
static const char *const inherited[] = {"PATH",
					"HOME",
					"TZ",
					"LANG",
					"http_proxy",
					"https_proxy",
					"HTTPS_PROXY",
					"all_proxy",
					"ALL_PROXY",
					"no_proxy",
					"NO_PROXY",
					"PYTHONPYCACHEPREFIX",
					"PYTHONDONTWRITEBYTECODE"};

struct block {
	char **variables;
	size_t count;
	const char *const *extra;
	bool no_memory;
};

static bool is_overridden(const struct block *block, const char *name)
{
	size_t length = strlen(name);

	for (const char *const *at = block->extra; at != NULL && *at != NULL; at++)
		if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
			return true;
	return false;
}

/* Takes `variable` (malloc()ed NAME=VALUE, or NULL when there was no memory for it). */
static void append(struct block *block, char *variable)
{
	if (variable == NULL)
		block->no_memory = true;
	else
		block->variables[block->count++] = variable; /* owned by the array now */
}

static void add(struct block *block, const char *name, const char *value)
{
	if (value == NULL || is_overridden(block, name))
		return;
	size_t size = strlen(name) + strlen(value) + sizeof("=");
	char *variable = malloc(size);
	if (variable != NULL)
		snprintf(variable, size, "%s=%s", name, value);
	append(block, variable);
}

static bool may_see(const struct settings *settings, const struct setting *row, unsigned audience)
{
	if ((row->audience & audience) == 0)
		return false;
	/* Credentials of a provider that is not used help nobody. */
	return row->provider == NULL || (settings->dns_provider != NULL &&
					 strcmp(row->provider, settings->dns_provider) == 0);
}

/* Where the child reads the row's value; NULL: nowhere. */
static const char *file_of(const struct settings *settings, const struct setting *row,
			   const char *file_name)
{
	const struct settings_store *store = settings->store;

	if (row->check == settings_check_domains && store->domains_copy != NULL)
		return store->domains_copy;
	return settings_given(store->environment, file_name);
}

static void add_row(struct block *block, const struct settings *settings, size_t i)
{
	const struct setting *row = &settings_table[i];
	char *const *environment = settings->store->environment;
	char file_name[64];

	if ((row->flags & SETTING_RESOLVED) != 0) {
		add(block, row->name, settings->store->states[i].value);
		return;
	}
	add(block, row->name, settings_given(environment, row->name));
	if (!setting_may_be_file(row))
		return;
	snprintf(file_name, sizeof(file_name), "%s_FILE", row->name);
	add(block, file_name, file_of(settings, row, file_name));
}

static size_t count_strings(const char *const *strings)
{
	size_t count = 0;

	while (strings != NULL && strings[count] != NULL)
		count++;
	return count;
}

char **settings_child_environment(const struct settings *settings, unsigned audience,
				  const char *const *extra, struct error *err)
{
	size_t inherited_count = sizeof(inherited) / sizeof(inherited[0]);
	size_t most = settings_table_length * 2 + inherited_count + count_strings(extra) + 1;
	struct block block = {calloc(most + 1, sizeof(char *)), 0, extra, false};

	if (block.variables == NULL) {
		error_no_memory(err);
		return NULL;
	}
	for (size_t i = 0; i < inherited_count; i++)
		add(&block, inherited[i],
		    settings_given(settings->store->environment, inherited[i]));
	for (size_t i = 0; i < settings_table_length; i++)
		if (may_see(settings, &settings_table[i], audience))
			add_row(&block, settings, i);
	add(&block, "INGRESS_SUPERVISED", "1"); /* see log.h */
	for (const char *const *at = extra; at != NULL && *at != NULL; at++)
		append(&block, strdup(*at));
	if (block.no_memory) {
		settings_free_environment(block.variables);
		error_no_memory(err);
		return NULL;
	}
	return block.variables;
}

int settings_copy_domains(const struct settings *settings, const char *path, struct error *err)
{
	const struct setting_state *state = settings_state(settings, "DOMAINS");
	struct settings_store *store = settings->store;

	if (settings_given(store->environment, "DOMAINS_FILE") == NULL || state->value == NULL)
		return 0;
	if (file_write(path, 0644, state->value, strlen(state->value), err) != 0)
		return error_wrap(err, "children get the list of domains from a file");
	store->domains_copy = settings_store_text(store, path, strlen(path));
	return store->domains_copy == NULL ? error_no_memory(err) : 0;
}

void settings_free_environment(char **environment)
{
	for (char **at = environment; at != NULL && *at != NULL; at++) {
		explicit_bzero(*at, strlen(*at)); /* credentials among them */
		free(*at);
	}
	free(environment);
}
