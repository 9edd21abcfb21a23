/* Tables of what is refused. */
#ifndef TEST_SETTINGS_REFUSED_H
#define TEST_SETTINGS_REFUSED_H

#include "test_settings_fixture.h"

struct refused {
	const char *variables[4];
	const char *problem; /* the one line that comes of it */
};

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

#define BAD_CHARACTER                                                                 \
	"has a character that domain names cannot have (letters, digits and hyphens " \
	"are allowed; write international names as xn--...)"
#define BAD_PORT "the port is not a number from 1 to 65535"

static inline void check_one(const struct refused *refused)
{
	const char *variables[5] = {NULL};
	struct loaded loaded;
	char wanted[2048];

	memcpy(variables, refused->variables, sizeof(refused->variables));
	fixture_load_for(&loaded, FOR_SUPERVISOR, variables);
	if (refused->problem == NULL) {
		assert_good(&loaded);
	} else {
		snprintf(wanted, sizeof(wanted), "%s\n", refused->problem);
		assert_refused(&loaded, wanted);
	}
	assert_null(strstr(buffer_text(&loaded.problems), CANARY));
	assert_null(strstr(buffer_text(&loaded.warnings), CANARY));
	fixture_free(&loaded);
}

#define CHECK_TABLE(table)                                                      \
	static void test_##table(void **state)                                  \
	{                                                                       \
		(void)state;                                                    \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
			check_one(&(table)[i]);                                 \
	}

#endif
