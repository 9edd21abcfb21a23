#include "dns-hooks/web/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Between namespace and name in what expat hands over; can be part of neither. */
#define SEPARATOR '\n'

struct xml_attribute {
	char *name, *value;
	struct xml_attribute *next;
};

struct xml_element {
	char *name;
	char *text; /* NULL: none */
	size_t text_length;
	struct xml_attribute *attributes;
	struct xml_element *parent, *first, *last, *next;
};

struct xml {
	struct xml_element *root;
};

/* A document on its way. */
struct reading {
	XML_Parser parser;
	struct xml *xml;
	struct xml_element *open; /* the innermost element not yet closed */
	size_t depth, count;
	const char *refusal; /* NULL: the grammar is expat's matter */
	bool out_of_memory;
};

/* ---- freeing */

static void free_element(struct xml_element *element)
{
	struct xml_attribute *attribute = element->attributes;

	while (attribute != NULL) {
		struct xml_attribute *next = attribute->next;
		free(attribute->name);
		free(attribute->value);
		free(attribute);
		attribute = next;
	}
	free(element->name);
	free(element->text);
	free(element);
}

void xml_free(struct xml *xml)
{
	if (xml == NULL)
		return;
	/* Leaves first; each takes itself out of its parent. */
	struct xml_element *at = xml->root;
	while (at != NULL) {
		if (at->first != NULL) {
			at = at->first;
			continue;
		}
		struct xml_element *parent = at->parent, *next = at->next;
		if (parent != NULL)
			parent->first = next;
		free_element(at);
		at = next != NULL ? next : parent;
	}
	free(xml);
}

void xml_free_at(struct xml **xml)
{
	xml_free(*xml);
}

/* ---- parsing */

static void stop(struct reading *reading, const char *refusal)
{
	if (refusal == NULL)
		reading->out_of_memory = true;
	else if (reading->refusal == NULL)
		reading->refusal = refusal;
	XML_StopParser(reading->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *separator = strrchr(name, SEPARATOR);

	return separator == NULL ? name : separator + 1;
}

static int add_attribute(struct xml_element *element, const char *name, const char *value)
{
	struct xml_attribute *attribute = calloc(1, sizeof(*attribute));

	if (attribute == NULL)
		return -1;
	attribute->next = element->attributes;
	element->attributes = attribute;
	attribute->name = strdup(local_name(name));
	attribute->value = strdup(value);
	return attribute->name == NULL || attribute->value == NULL ? -1 : 0;
}

static void append_child(struct reading *reading, struct xml_element *element)
{
	struct xml_element *parent = reading->open;

	element->parent = parent;
	if (parent == NULL)
		reading->xml->root = element;
	else if (parent->last == NULL)
		parent->first = element;
	else
		parent->last->next = element;
	if (parent != NULL)
		parent->last = element;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
	struct reading *reading = user;

	if (reading->refusal != NULL || reading->out_of_memory)
		return;
	if (++reading->depth > XML_DEPTH_MAX || ++reading->count > XML_ELEMENTS_MAX) {
		stop(reading, "is nested too deep, or has too many elements");
		return;
	}
	struct xml_element *element = calloc(1, sizeof(*element));
	if (element == NULL) {
		stop(reading, NULL);
		return;
	}
	append_child(reading, element);
	reading->open = element;
	element->name = strdup(local_name(name));
	bool failed = element->name == NULL;
	for (size_t i = 0; attributes[i] != NULL && !failed; i += 2)
		failed = add_attribute(element, attributes[i], attributes[i + 1]) != 0;
	if (failed)
		stop(reading, NULL);
}

static void XMLCALL on_end(void *user, const char *name)
{
	struct reading *reading = user;

	(void)name;
	if (reading->open == NULL)
		return;
	reading->open = reading->open->parent;
	reading->depth--;
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
	struct reading *reading = user;
	struct xml_element *open = reading->open;

	if (open == NULL || length <= 0)
		return;
	char *longer = realloc(open->text, open->text_length + (size_t)length + 1);
	if (longer == NULL) {
		stop(reading, NULL);
		return;
	}
	memcpy(longer + open->text_length, text, (size_t)length);
	open->text_length += (size_t)length;
	longer[open->text_length] = '\0';
	open->text = longer;
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system_id,
			       const char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	stop(user, "has a document type, which no API's answer has");
}

static int parse(struct reading *reading, const char *text, size_t length, const char *what,
		 struct error *err)
{
	enum { SHOWN = 60 };

	XML_SetUserData(reading->parser, reading);
	XML_SetElementHandler(reading->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
	if (length > INT_MAX)
		return error_set(err, EXIT_FAILED, "%s is too large", what);
	if (XML_Parse(reading->parser, text, (int)length, XML_TRUE) == XML_STATUS_OK)
		return 0;
	if (reading->out_of_memory || XML_GetErrorCode(reading->parser) == XML_ERROR_NO_MEMORY)
		return error_no_memory(err);
	if (reading->refusal != NULL)
		return error_set(err, EXIT_UNREACHABLE, "%s %s", what, reading->refusal);
	return error_set(err, EXIT_UNREACHABLE, "%s is not XML (%s): '%.*s'", what,
			 XML_ErrorString(XML_GetErrorCode(reading->parser)),
			 (int)(length < SHOWN ? length : SHOWN), text);
}

struct xml *xml_parse(const char *text, size_t length, const char *what, struct error *err)
{
	struct reading reading = {.parser = XML_ParserCreateNS(NULL, SEPARATOR),
				  .xml = calloc(1, sizeof(*reading.xml))};
	int result = -1;

	if (reading.parser == NULL || reading.xml == NULL)
		error_no_memory(err);
	else
		result = parse(&reading, text, length, what, err);
	if (reading.parser != NULL)
		XML_ParserFree(reading.parser);
	if (result == 0)
		return reading.xml;
	xml_free(reading.xml);
	return NULL;
}

/* ---- reading */

const struct xml_element *xml_root(const struct xml *xml)
{
	return xml->root;
}

const char *xml_name(const struct xml_element *element)
{
	return element->name;
}

const char *xml_text(const struct xml_element *element)
{
	return element->text == NULL ? "" : element->text;
}

const char *xml_attribute(const struct xml_element *element, const char *name)
{
	const struct xml_attribute *attribute = element->attributes;

	while (attribute != NULL && strcmp(attribute->name, name) != 0)
		attribute = attribute->next;
	return attribute == NULL ? NULL : attribute->value;
}

const char *xml_attribute_name(const struct xml_element *element, size_t index)
{
	const struct xml_attribute *attribute = element->attributes;

	while (attribute != NULL && index-- > 0)
		attribute = attribute->next;
	return attribute == NULL ? NULL : attribute->name;
}

static const struct xml_element *first_named(const struct xml_element *element, const char *name)
{
	while (element != NULL && name != NULL && strcmp(element->name, name) != 0)
		element = element->next;
	return element;
}

const struct xml_element *xml_child(const struct xml_element *element, const char *name)
{
	return element == NULL ? NULL : first_named(element->first, name);
}

const struct xml_element *xml_next(const struct xml_element *element, const char *name)
{
	return first_named(element->next, name);
}

const char *xml_child_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = xml_child(element, name);

	return child == NULL ? NULL : xml_text(child);
}
