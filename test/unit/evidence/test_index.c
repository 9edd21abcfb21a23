#include "test/unit/common/unit.h"

#include "evidence/index.h"

static void render(const struct bundle *bundle, struct buffer *page)
{
	buffer_init(page, INDEX_MAX);
	assert_int_equal(index_render(bundle, page), 0);
}

static void every_file_is_listed_with_size_and_digest(void **state)
{
	AUTO_BUNDLE struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	struct buffer page;

	(void)state;
	assert_int_equal(bundle_add(&bundle, "quote.json", "abc", 3, &err), 0);
	assert_int_equal(bundle_add(&bundle, "cert-*.example.com.pem", "", 0, &err), 0);
	render(&bundle, &page);
	assert_contains(page.data,
			"<a href=\"/evidences/quote.json\">quote.json</a></td><td>3</td><td>"
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</td>");
	assert_contains(page.data, "<a href=\"/evidences/cert-*.example.com.pem\">"
				   "cert-*.example.com.pem</a></td><td>0</td>");
	buffer_free(&page);
}

/* A browser that fetched anything else would do so from the application behind the proxy. */
static void the_page_asks_for_nothing_else(void **state)
{
	const struct bundle none = BUNDLE_INIT;
	struct buffer page;

	(void)state;
	render(&none, &page);
	assert_contains(page.data, "<link rel=\"icon\" href=\"data:,\">");
	assert_lacks(page.data, "src=");
	assert_lacks(page.data, "@import");
	assert_lacks(page.data, "url(");
	assert_lacks(page.data, "<script");
	buffer_free(&page);
}

static void the_page_says_how_to_check(void **state)
{
	const struct bundle none = BUNDLE_INIT;
	struct buffer page;

	(void)state;
	render(&none, &page);
	assert_contains(page.data, "curl ");
	assert_contains(page.data, "sha256sum -c sha256sum.txt");
	assert_contains(page.data, "REPORTDATA");
	buffer_free(&page);
}

static void the_largest_bundle_fits(void **state)
{
	AUTO_BUNDLE struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	char name[BUNDLE_NAME_MAX + 1];
	struct buffer page;

	(void)state;
	for (int i = 0; i < BUNDLE_FILES_MAX; i++) {
		memset(name, 'a', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		int length = snprintf(name, sizeof(name), "%d", i);
		name[length] = '-';
		assert_int_equal(bundle_add(&bundle, name, "", 0, &err), 0);
	}
	render(&bundle, &page);
	buffer_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_file_is_listed_with_size_and_digest),
	    cmocka_unit_test(the_page_asks_for_nothing_else),
	    cmocka_unit_test(the_page_says_how_to_check),
	    cmocka_unit_test(the_largest_bundle_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
