/* XML from strangers: what is read, and what is refused. */
#include "test/unit/common/unit.h"

#include "dns-hooks/web/xml.h"

#include <stdio.h>
#include <stdlib.h>

static struct xml *parse(const char *text, struct error *err)
{
	return xml_parse(text, strlen(text), "the answer", err);
}

static void elements_and_attributes_are_found_whatever_the_namespace(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	AUTO_XML struct xml *xml =
	    parse("<?xml version=\"1.0\"?>\n<a:R xmlns:a=\"http://x\" Status=\"OK\"><a:h N=\"1\"/>"
		  "<!-- no --><a:g>t&amp;<![CDATA[<u>]]></a:g><a:h N=\"2\">v</a:h></a:R>",
		  &err);
	assert_non_null(xml);
	const struct xml_element *root = xml_root(xml);
	assert_string_equal(xml_name(root), "R");
	assert_string_equal(xml_attribute(root, "Status"), "OK");
	assert_null(xml_attribute(root, "status"));
	const struct xml_element *first = xml_child(root, "h");
	assert_string_equal(xml_attribute(first, "N"), "1");
	assert_string_equal(xml_text(first), "");
	const struct xml_element *second = xml_next(first, "h");
	assert_string_equal(xml_attribute(second, "N"), "2");
	assert_null(xml_next(second, NULL));
	assert_string_equal(xml_name(xml_next(first, NULL)), "g");
	assert_string_equal(xml_child_text(root, "g"), "t&<u>");
	assert_null(xml_child_text(root, "nothing"));
	assert_null(xml_child(xml_child(root, "nothing"), NULL));
}

static void what_is_not_a_whole_document_is_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
	    {"", "is not XML"},
	    {"<html><body>Bad gateway", "is not XML"},
	    {"<a></b>", "is not XML"},
	    {"<a/><b/>", "is not XML"},
	    {"{\"a\":1}", "'{\"a\":1}'"},
	    {"<!DOCTYPE a [<!ENTITY e \"eeee\">]><a>&e;</a>", "document type"},
	    {"<!DOCTYPE html><html/>", "document type"},
	    {"<a>&undefined;</a>", "is not XML"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		assert_null(parse(cases[i].text, &err));
		assert_int_equal(err.code, EXIT_UNREACHABLE);
		assert_contains(err.text, "the answer");
		assert_contains(err.text, cases[i].words);
	}
	struct error err = ERROR_INIT;
	assert_null(xml_parse("<a>\0</a>", 8, "the answer", &err));
}

static void nesting_has_an_end(void **state)
{
	char text[XML_DEPTH_MAX * 8] = "";
	struct error err = ERROR_INIT;
	size_t used = 0;

	(void)state;
	for (int depth = 0; depth < XML_DEPTH_MAX; depth++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "<a>");
	size_t deepest = used;
	for (int depth = 0; depth < XML_DEPTH_MAX; depth++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "</a>");
	AUTO_XML struct xml *xml = parse(text, &err);
	assert_non_null(xml);
	snprintf(text + deepest, sizeof(text) - deepest, "<a/>");
	assert_null(parse(text, &err));
	assert_contains(err.text, "nested too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elements_and_attributes_are_found_whatever_the_namespace),
	    cmocka_unit_test(what_is_not_a_whole_document_is_refused),
	    cmocka_unit_test(nesting_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
