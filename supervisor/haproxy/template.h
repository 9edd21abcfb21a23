/*
 * The files under templates/, compiled in, and their expansion.
 *
 * A template is HAProxy configuration with `{{name}}` where a value goes, and lines
 * `@if name` ... `@end` around what stands there only when that value is not empty.
 * A placeholder alone on its line takes the line's newline with it only if its value
 * ends in one.
 */
#ifndef SUPERVISOR_HAPROXY_TEMPLATE_H
#define SUPERVISOR_HAPROXY_TEMPLATE_H

#include "common/buffer.h"
#include "common/error.h"

struct template_value {
	const char *name;
	const char *value; /* NULL counts as "" */
};

/* The compiled-in texts. */
extern const char template_haproxy[], template_inspect_h1[], template_inspect_h2[],
    template_inspect_request[], template_backend[], template_http[], template_http_backend[],
    template_openssl[];

/*
 * Appends the expansion to `out`.  `values` ends with a NULL name.  A name that is not
 * among them, or an @if without its @end, is an error: the templates are part of the
 * program, so it is a mistake in the program.
 */
int template_expand(const char *text, const struct template_value *values, struct buffer *out,
		    struct error *err);

#endif
