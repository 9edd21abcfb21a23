#include "test/unit/common/scratch_files.h"

#include "common/build_info.h"

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

static void assert_line(void **state, const char *text, const char *expected)
{
	struct buffer line;

	put(at(state, "build-info"), text);
	assert_int_equal(build_info_line(at(state, "build-info"), &line), expected[0] != '\0');
	assert_string_equal(buffer_text(&line), expected);
	buffer_free(&line);
}

static void all_of_it_is_a_line(void **state)
{
	assert_line(state,
		    "org.opencontainers.image.version=0.1.0\n" LABEL "b377583fe0\n"
		    "org.opencontainers.image.source=https://example.com/a=b\n",
		    "version 0.1.0, revision b377583fe0, source https://example.com/a=b");
	assert_line(state, LABEL "unknown\norg.opencontainers.image.version=1", "version 1");
	assert_line(state, "other=1\n" LABEL "\n" LABEL "\x1b[2J\nrubbish\n\n=\n", "");
	assert_line(state, "", "");
}

static void without_a_file_there_is_none(void **state)
{
	char revision[BUILD_REVISION_MAX + 1] = "x";

	build_info_revision(at(state, "absent"), revision);
	assert_string_equal(revision, "");
	build_info_revision(at(state, "."), revision);
	assert_string_equal(revision, "");
	struct buffer line;
	assert_false(build_info_line(at(state, "absent"), &line));
	buffer_free(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(the_revision_of_an_image),
	    scratch_test(all_of_it_is_a_line),
	    scratch_test(without_a_file_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
