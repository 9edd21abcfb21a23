#include "test/unit/common/scratch_files.h"

#include "evidence/build_info.h"

#define LABEL "org.opencontainers.image.revision="

static void the_revision_of_an_image(void **state)
{
	static const struct {
		const char *text, *revision;
	} cases[] = {
	    {LABEL "b377583fe0\n", "b377583fe0"},
	    {"org.opencontainers.image.version=0.1.0\n" LABEL "b377583fe0-dirty\nmore=1\n",
	     "b377583fe0-dirty"},
	    {LABEL "b377583fe0", "b377583fe0"},
	    {LABEL "one\n" LABEL "two\n", "one"},
	    {LABEL "unknown\n", ""},
	    {LABEL "\n", ""},
	    {LABEL "a b\n", ""},
	    {LABEL "\x1b[2J\n", ""},
	    {LABEL "0123456789012345678901234567890123456789012345678901234567890123456789"
		   "01234567890\n",
	     ""},
	    {"x" LABEL "b377583fe0\n", ""},
	    {"revision=b377583fe0\n", ""},
	    {"", ""},
	};
	char revision[BUILD_REVISION_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put(at(state, "build-info"), cases[i].text);
		build_info_revision(at(state, "build-info"), revision);
		assert_string_equal(revision, cases[i].revision);
	}
}

static void without_a_file_there_is_none(void **state)
{
	char revision[BUILD_REVISION_MAX + 1] = "x";

	build_info_revision(at(state, "absent"), revision);
	assert_string_equal(revision, "");
	build_info_revision(at(state, "."), revision);
	assert_string_equal(revision, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(the_revision_of_an_image),
	    scratch_test(without_a_file_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
