#include "test/unit/common/unit.h"

#include "evidence/index_page.h"

static void render(const struct file_set *set, struct buffer *page)
{
	buffer_init(page, INDEX_PAGE_MAX);
	assert_int_equal(index_page_html(set, "app.example.com", page), 0);
}

static void every_file_is_listed_with_size_and_digest(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;
	struct buffer page;

	(void)state;
	assert_int_equal(file_set_add(&set, "quote.json", "abc", 3, &err), 0);
	assert_int_equal(file_set_add(&set, "cert-*.example.com.pem", "", 0, &err), 0);
	render(&set, &page);
	assert_contains(page.data,
			"<a href=\"/evidences/quote.json\">quote.json</a> <small>3 bytes</small>");
	assert_contains(page.data,
			"<code>sha256 "
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</code>");
	assert_contains(page.data, "<a href=\"/evidences/cert-*.example.com.pem\">"
				   "cert-*.example.com.pem</a> <small>0 bytes</small>");
	buffer_free(&page);
}

/* A browser that fetched anything else would do so from the application behind the proxy. */
static void the_page_asks_for_nothing_else(void **state)
{
	const struct file_set none = FILE_SET_INIT;
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
	const struct file_set none = FILE_SET_INIT;
	struct buffer page;

	(void)state;
	render(&none, &page);
	assert_contains(page.data, "curl ");
	assert_contains(page.data, "sha256sum -c sha256sum.txt");
	assert_contains(page.data, "REPORTDATA");
	buffer_free(&page);
}

/* The Host header is the client's: only what can stand in a URL gets into the page. */
static void the_commands_name_the_host(void **state)
{
	static const struct {
		const char *host, *shown;
	} cases[] = {
	    {"app.example.com", "https://app.example.com/evidences"},
	    {"app.example.com:8443", "https://app.example.com:8443/evidences"},
	    {"[::1]:8443", "https://[::1]:8443/evidences"},
	    {"a.test</pre><b>", "https://HOST/evidences"},
	    {"a.test; rm -rf ~", "https://HOST/evidences"},
	    {"$(id)", "https://HOST/evidences"},
	    {"", "https://HOST/evidences"},
	    {NULL, "https://HOST/evidences"},
	};
	const struct file_set none = FILE_SET_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer page;
		buffer_init(&page, INDEX_PAGE_MAX);
		assert_int_equal(index_page_html(&none, cases[i].host, &page), 0);
		assert_contains(page.data, cases[i].shown);
		assert_lacks(page.data, "rm -rf");
		assert_lacks(page.data, "<b>");
		buffer_free(&page);
	}
}

static void programs_get_json(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;
	struct buffer text;

	(void)state;
	assert_int_equal(file_set_add(&set, "quote.json", "abc", 3, &err), 0);
	buffer_init(&text, INDEX_PAGE_MAX);
	assert_int_equal(index_page_json(&set, &text), 0);
	assert_string_equal(text.data,
			    "{\"files\":[{\"name\":\"quote.json\",\"bytes\":3,\"sha256\":"
			    "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
			    "\"path\":\"/evidences/quote.json\",\"purpose\":"
			    "\"The machine's signature: a TDX quote over sha256sum.txt.\"}]}\n");
	buffer_free(&text);
}

/* In the place of a quote: what it is is said, and that it proves nothing by itself. */
static void an_attestation_is_not_taken_for_a_quote(void **state)
{
	static const char attestation[] = "\x81\xa8platform\x81\xa4kind\xa7sev-snp";
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;
	struct buffer page;

	(void)state;
	assert_int_equal(
	    file_set_add(&set, "attestation.bin", attestation, sizeof(attestation) - 1, &err), 0);
	assert_int_equal(file_set_add(&set, "attestation.json", "{}", 2, &err), 0);
	render(&set, &page);
	assert_contains(page.data, "of the kind <code>sev-snp</code>");
	assert_contains(page.data, "nothing here proves it to you until");
	assert_contains(page.data, "verify https://app.example.com --platform sev-snp</pre>");
	assert_contains(page.data, "-O $e/attestation.bin &amp;&amp;");
	assert_contains(page.data, "<a href=\"/evidences/attestation.json\">");
	assert_lacks(page.data, "quote.json");
	assert_lacks(page.data, "but Intel");
	buffer_reset(&page);
	assert_int_equal(index_page_json(&set, &page), 0);
	assert_contains(page.data, "{\"platform\":\"sev-snp\",\"files\":[{\"name\":"
				   "\"attestation.bin\",");
	assert_contains(page.data, "It is no TDX quote");
	buffer_free(&page);
}

static void the_largest_set_fits(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;
	char name[FILE_SET_NAME_MAX + 1];
	struct buffer page;

	(void)state;
	for (int i = 0; i < FILE_SET_COUNT_MAX; i++) {
		memset(name, 'a', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		int length = snprintf(name, sizeof(name), "%d", i);
		name[length] = '-';
		assert_int_equal(file_set_add(&set, name, "", 0, &err), 0);
	}
	render(&set, &page);
	buffer_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_file_is_listed_with_size_and_digest),
	    cmocka_unit_test(the_page_asks_for_nothing_else),
	    cmocka_unit_test(the_page_says_how_to_check),
	    cmocka_unit_test(the_commands_name_the_host),
	    cmocka_unit_test(programs_get_json),
	    cmocka_unit_test(an_attestation_is_not_taken_for_a_quote),
	    cmocka_unit_test(the_largest_set_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
