/* When the clock of this machine and a provider's are told to differ. */
#include "dns-hooks/web/web_clock.h"

#include "test/unit/common/unit.h"

enum { DATE = 1796040000 }; /* 2026-11-30 12:00:00 UTC */

static void a_clock_that_is_off_is_told(void **state)
{
	static const struct {
		long long now;
		const char *words;
	} cases[] = {
	    {DATE, NULL},
	    {DATE + 300, NULL},
	    {DATE - 300, NULL},
	    {DATE + 301, "is 5 minutes ahead of that of api.test, which says "},
	    {DATE - 301, "is 5 minutes behind that of api.test, which says "},
	    {DATE + 3 * 3600 + 1, "is 3 hours ahead of"},
	    {DATE + 65LL * 86400, "is 65 days ahead of"},
	    {DATE - 400LL * 86400, "is 400 days behind"},
	    {0, "days behind"},
	};
	char text[WEB_CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool differs = web_clock_differs((time_t)cases[i].now, DATE, "api.test", text);
		assert_int_equal(differs, cases[i].words != NULL);
		if (cases[i].words == NULL)
			continue;
		assert_contains(text, cases[i].words);
		assert_contains(text, "2026-11-30 12:00:00 UTC");
	}
}

static void an_answer_without_a_date_tells_nothing(void **state)
{
	char text[WEB_CLOCK_TEXT_MAX];

	(void)state;
	assert_false(web_clock_differs(DATE, 0, "api.test", text));
	assert_false(web_clock_differs(DATE, -1, "api.test", text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_clock_that_is_off_is_told),
	    cmocka_unit_test(an_answer_without_a_date_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
