/*
 * Reading XML from strangers (expat): bounded, names without their namespace, no DTD.
 *
 * Namecheap's answers appear with two namespaces, Route 53's with one; neither tells anything,
 * so only local names count.  Comments and processing instructions are passed over.
 */
#ifndef DNS_HOOKS_WEB_XML_H
#define DNS_HOOKS_WEB_XML_H

#include "common/error.h"

#include <stddef.h>

enum { XML_DEPTH_MAX = 32, XML_ELEMENTS_MAX = 200000 };

struct xml;	    /* a whole document; owns its elements */
struct xml_element; /* owned by the document */

/*
 * Exactly one whole document.  Refused beyond bad grammar: a document type (entities expand),
 * NUL characters, nesting deeper than XML_DEPTH_MAX, more than XML_ELEMENTS_MAX elements.
 * `what` names the source in messages.  NULL with err (EXIT_UNREACHABLE); xml_free() by the
 * caller, or AUTO_XML.
 */
struct xml *xml_parse(const char *text, size_t length, const char *what, struct error *err);
void xml_free(struct xml *xml);
#define AUTO_XML __attribute__((cleanup(xml_free_at)))
void xml_free_at(struct xml **xml);

const struct xml_element *xml_root(const struct xml *xml);
const char *xml_name(const struct xml_element *element);
/* All character data directly in the element, "" for none; not trimmed. */
const char *xml_text(const struct xml_element *element);
/* NULL when it has none of that name. */
const char *xml_attribute(const struct xml_element *element, const char *name);
/* The name of one of its attributes, in no order; NULL when there are no more than `index`. */
const char *xml_attribute_name(const struct xml_element *element, size_t index);

/* The first child of that name (NULL: of any), or NULL; `element` may be NULL. */
const struct xml_element *xml_child(const struct xml_element *element, const char *name);
/* The next sibling of that name (NULL: of any), or NULL. */
const struct xml_element *xml_next(const struct xml_element *element, const char *name);
/* The text of the first child of that name, or NULL. */
const char *xml_child_text(const struct xml_element *element, const char *name);

#endif
