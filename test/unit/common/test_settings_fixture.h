/* An environment that is good in every respect, variations of it, and what they lead to. */
#ifndef TEST_SETTINGS_FIXTURE_H
#define TEST_SETTINGS_FIXTURE_H

#include "unit.h"

#include "common/settings.h"

#define CANARY "canary-4f1d8a27c09b"

enum { FIXTURE_VARIABLES_MAX = 64, FIXTURE_TEXT_MAX = 64 * 1024 };

struct loaded {
	struct settings *settings; /* NULL when something is wrong */
	struct buffer problems;
	struct buffer warnings;
	struct error err;
	const char *environment[FIXTURE_VARIABLES_MAX];
};

static inline size_t fixture_name_length(const char *variable)
{
	return strcspn(variable, "=");
}

static inline void fixture_put(const char **environment, const char *variable)
{
	size_t length = fixture_name_length(variable) + 1;
	size_t i = 0;

	while (environment[i] != NULL && strncmp(environment[i], variable, length) != 0)
		i++;
	assert_true(i + 1 < FIXTURE_VARIABLES_MAX);
	environment[i] = variable;
}

/* The good environment with `variables` (NULL at the end) put into it; "NAME=" takes one out,
 * since an empty value counts as unset. */
static inline void fixture_environment(const char **environment, const char *const *variables)
{
	static const char *const good[] = {
	    "PATH=/usr/bin:/bin",	    "DOMAIN=app.example.com",
	    "TARGET_ENDPOINT=app:8080",	    "GATEWAY_DOMAIN=_.gateway.example.net",
	    "CLOUDFLARE_API_TOKEN=" CANARY, NULL};

	memset(environment, 0, FIXTURE_VARIABLES_MAX * sizeof(*environment));
	for (const char *const *at = good; *at != NULL; at++)
		fixture_put(environment, *at);
	for (const char *const *at = variables; *at != NULL; at++)
		fixture_put(environment, *at);
}

static inline void fixture_load_for(struct loaded *loaded, unsigned audience,
				    const char *const *variables)
{
	*loaded = (struct loaded){.err = ERROR_INIT};
	buffer_init(&loaded->problems, FIXTURE_TEXT_MAX);
	buffer_init(&loaded->warnings, FIXTURE_TEXT_MAX);
	fixture_environment(loaded->environment, variables);
	loaded->settings =
	    settings_load_for(audience, (char *const *)(uintptr_t)loaded->environment,
			      &loaded->problems, &loaded->warnings, &loaded->err);
}

#define VARIABLES(...)                          \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

/* fixture_load(&loaded, "NAME=value", ...) */
#define fixture_load(loaded, ...) fixture_load_for(loaded, FOR_SUPERVISOR, VARIABLES(__VA_ARGS__))

static inline void fixture_free(struct loaded *loaded)
{
	settings_free(loaded->settings);
	buffer_free(&loaded->problems);
	buffer_free(&loaded->warnings);
}

static inline void assert_good(const struct loaded *loaded)
{
	assert_string_equal(buffer_text(&loaded->problems), "");
	assert_non_null(loaded->settings);
}

static inline void assert_refused(const struct loaded *loaded, const char *problems)
{
	assert_string_equal(buffer_text(&loaded->problems), problems);
	assert_null(loaded->settings);
	assert_int_equal(loaded->err.code, EXIT_BAD_CONFIG);
}

#endif
