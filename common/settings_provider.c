/* Which DNS provider: the one that is named, or the one whose credentials are there. */
#include "common/settings_loading.h"

#include <stdio.h>
#include <string.h>

enum { PROVIDERS_MAX = 16, NAMES_SIZE = 512 };

/* "A, B, C" in `names`. */
static void append_name(char names[NAMES_SIZE], const char *name)
{
	size_t used = strlen(names);

	snprintf(names + used, NAMES_SIZE - used, "%s%s", used == 0 ? "" : ", ", name);
}

static const struct setting *provider_row(void)
{
	const struct setting *row = settings_table;

	while (strcmp(row->name, "DNS_PROVIDER") != 0)
		row++;
	return row;
}

static bool is_given(const struct settings *settings, size_t row)
{
	return settings->store->states[row].given != NULL;
}

/* Whether the row tells that its provider is meant. */
static bool is_telling(const struct setting *row)
{
	return row->provider != NULL && (row->flags & (SETTING_NEEDED | SETTING_TOGETHER)) != 0;
}

/* Names one variable per provider that credentials are there for, and those providers. */
static size_t find_credentials(const struct settings *settings, char seen[NAMES_SIZE],
			       char providers[NAMES_SIZE], const char **provider)
{
	size_t count = 0;

	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if (!is_telling(row) || !is_given(settings, i))
			continue;
		/* The rows of a provider stand together. */
		if (count > 0 && strcmp(*provider, row->provider) == 0)
			continue;
		*provider = row->provider;
		append_name(seen, row->name);
		append_name(providers, row->provider);
		count++;
	}
	return count;
}

/* One variable of each provider that this version can use. */
static void list_wanted(const struct setting *chooser, char wanted[NAMES_SIZE])
{
	const char *provider = "";

	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if (!is_telling(row) || strcmp(provider, row->provider) == 0)
			continue;
		provider = row->provider;
		if (chooser->not_yet == NULL || !settings_has_word(chooser->not_yet, provider))
			append_name(wanted, row->name);
	}
}

static const char *detect(struct loading *in)
{
	struct setting_state *state = settings_state(in->settings, "DNS_PROVIDER");
	char seen[NAMES_SIZE] = "", providers[NAMES_SIZE] = "", wanted[NAMES_SIZE] = "";
	const char *provider = NULL;

	switch (find_credentials(in->settings, seen, providers, &provider)) {
	case 0:
		list_wanted(provider_row(), wanted);
		settings_problem(in,
				 "DNS_PROVIDER is not set, and no credentials tell which it "
				 "is: set one of %s",
				 wanted);
		return NULL;
	case 1:
		state->value = provider;
		state->source = "detected";
		return provider;
	default:
		settings_problem(in,
				 "DNS_PROVIDER is not set, and there are credentials of "
				 "several (%s): set it to one of: %s",
				 seen, providers);
		return NULL;
	}
}

static bool is_of(const struct setting *row, const char *provider, unsigned flag)
{
	return row->provider != NULL && strcmp(row->provider, provider) == 0 &&
	       (row->flags & flag) != 0;
}

/* What the provider needs: those that go together if one of them is given. */
static unsigned needed_flags(const struct settings *settings, const char *provider)
{
	for (size_t i = 0; i < settings_table_length; i++)
		if (is_of(&settings_table[i], provider, SETTING_TOGETHER) && is_given(settings, i))
			return SETTING_NEEDED | SETTING_TOGETHER;
	return SETTING_NEEDED;
}

static void check_needed(struct loading *in, const char *provider)
{
	unsigned flags = needed_flags(in->settings, provider);
	char missing[NAMES_SIZE] = "";

	for (size_t i = 0; i < settings_table_length; i++)
		if (is_of(&settings_table[i], provider, flags) && !is_given(in->settings, i))
			append_name(missing, settings_table[i].name);
	if (missing[0] != '\0')
		settings_problem(in, "DNS_PROVIDER is \"%s\", which needs %s too", provider,
				 missing);
}

void settings_choose_provider(struct loading *in)
{
	const struct setting_state *state = settings_state(in->settings, "DNS_PROVIDER");
	const char *provider = state->given;

	if (state->wrong)
		return;
	if (provider == NULL) {
		provider = detect(in);
		if (provider == NULL || settings_refuse_not_yet(in, provider_row(), provider))
			return;
		settings_set_text(in, provider_row(), provider);
	}
	check_needed(in, provider);
}
