/* dns-hooks: XML from strangers. */
#include "dns-hooks/web/xml.h"

#include "common/buffer.h"
#include "test/fuzz/fuzz.h"

static size_t count;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void write_text(const char *text, struct buffer *out)
{
	for (; *text != '\0'; text++)
		if (strchr("&<>\"\r\n\t", *text) != NULL)
			buffer_printf(out, "&#%d;", *text);
		else
			buffer_append(out, text, 1);
}

/* Attributes are asked for by name: those that the APIs have. */
static const char *const attributes[] = {"Status", "Name", "Type", "a"};

static void write_element(const struct xml_element *element, size_t depth, struct buffer *out)
{
	const struct xml_element *child;

	CHECK(depth <= XML_DEPTH_MAX && ++count <= XML_ELEMENTS_MAX);
	CHECK(xml_name(element)[0] != '\0' && strpbrk(xml_name(element), "\n:<>") == NULL);
	buffer_printf(out, "<%s", xml_name(element));
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		const char *value = xml_attribute(element, attributes[i]);
		if (value == NULL)
			continue;
		buffer_printf(out, " %s=\"", attributes[i]);
		write_text(value, out);
		buffer_puts(out, "\"");
	}
	buffer_puts(out, ">");
	write_text(xml_text(element), out);
	for (child = xml_child(element, NULL); child != NULL; child = xml_next(child, NULL)) {
		const struct xml_element *first = xml_child(element, xml_name(child));
		CHECK(first != NULL && strcmp(xml_name(first), xml_name(child)) == 0);
		CHECK(xml_child_text(element, xml_name(child)) == xml_text(first));
		write_element(child, depth + 1, out);
	}
	buffer_printf(out, "</%s>", xml_name(element));
}

static void write_all(const struct xml *xml, struct buffer *out)
{
	count = 0;
	buffer_init(out, (size_t)64 * 1024 * 1024);
	CHECK(xml_root(xml) != NULL && xml_next(xml_root(xml), NULL) == NULL);
	write_element(xml_root(xml), 1, out);
	CHECK(!out->failed);
}

/* What was understood, written out, is understood the same way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buffer first, second;
	char *exact = malloc(size == 0 ? 1 : size);

	CHECK(exact != NULL);
	memcpy(exact, data, size);
	AUTO_XML struct xml *xml = xml_parse(exact, size, "the answer", &err);
	free(exact);
	if (xml == NULL) {
		fuzz_check_error(&err);
		CHECK(err.code == EXIT_UNREACHABLE);
		return 0;
	}
	write_all(xml, &first);
	AUTO_XML struct xml *again = xml_parse(first.data, first.length, "it", &err);
	CHECK(again != NULL);
	write_all(again, &second);
	CHECK(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
	buffer_free(&first);
	buffer_free(&second);
	return 0;
}
