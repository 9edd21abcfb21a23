#include "supervisor/haproxy/template.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 32 };

/* The folder itself is the source; .incbin puts each file in as it is, with a NUL behind. */
#define EMBED(symbol, path)                           \
	__asm__(".section .rodata\n"                  \
		".global " #symbol "\n" #symbol ":\n" \
		".incbin \"" path "\"\n"              \
		".byte 0\n"                           \
		".previous\n")

EMBED(template_haproxy, "templates/haproxy.cfg");
EMBED(template_inspect_h1, "templates/inspect-h1.cfg");
EMBED(template_inspect_h2, "templates/inspect-h2.cfg");
EMBED(template_inspect_request, "templates/inspect-request.cfg");
EMBED(template_backend, "templates/backend.cfg");
EMBED(template_http, "templates/http.cfg");
EMBED(template_http_backend, "templates/http-backend.cfg");
EMBED(template_openssl, "templates/openssl.cnf");

static const char *lookup(const struct template_value *values, const char *name, size_t length,
			  struct error *err)
{
	for (; values->name != NULL; values++)
		if (strlen(values->name) == length && memcmp(values->name, name, length) == 0)
			return values->value == NULL ? "" : values->value;
	error_set(err, EXIT_FAILED, "template asks for unknown value \"%.*s\"",
		  length < NAME_MAX_LENGTH ? (int)length : NAME_MAX_LENGTH, name);
	return NULL;
}

/* A full `out` remembers that itself: only mistakes in the template are reported here. */
static int expand_line(const char *line, size_t length, const struct template_value *values,
		       struct buffer *out, struct error *err)
{
	const char *end = line + length;

	while (line < end) {
		const char *open = memmem(line, (size_t)(end - line), "{{", 2);
		if (open == NULL) {
			buffer_append(out, line, (size_t)(end - line));
			return 0;
		}
		const char *close = memmem(open, (size_t)(end - open), "}}", 2);
		if (close == NULL)
			return error_set(err, EXIT_FAILED, "template has {{ without }}");
		const char *value = lookup(values, open + 2, (size_t)(close - open - 2), err);
		if (value == NULL)
			return -1;
		buffer_append(out, line, (size_t)(open - line));
		buffer_puts(out, value);
		line = close + 2;
		/* A block of lines brings its own newline. */
		if (line + 1 == end && value[0] != '\0' && value[strlen(value) - 1] == '\n')
			return 0;
	}
	return 0;
}

/* Nested @if: `depth` counts the open ones, `hidden` those of them that are false. */
struct conditions {
	unsigned depth;
	unsigned hidden;
};

static int directive(const char *line, size_t length, const struct template_value *values,
		     struct conditions *conditions, struct error *err)
{
	if (length >= 4 && memcmp(line, "@end", 4) == 0) {
		if (conditions->depth == 0)
			return error_set(err, EXIT_FAILED, "template has @end without @if");
		conditions->depth--;
		if (conditions->hidden > 0)
			conditions->hidden--;
		return 0;
	}
	if (length < 5 || memcmp(line, "@if ", 4) != 0)
		return error_set(err, EXIT_FAILED, "template has an unknown @ line");
	conditions->depth++;
	if (conditions->hidden > 0) {
		conditions->hidden++;
		return 0;
	}
	const char *value = lookup(values, line + 4, strcspn(line + 4, "\n"), err);
	if (value == NULL)
		return -1;
	conditions->hidden = value[0] == '\0';
	return 0;
}

int template_expand(const char *text, const struct template_value *values, struct buffer *out,
		    struct error *err)
{
	struct conditions conditions = {0, 0};

	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		if (text[length] == '\n')
			length++;
		if (text[0] == '@') {
			if (directive(text, length, values, &conditions, err) != 0)
				return -1;
		} else if (conditions.hidden == 0) {
			if (expand_line(text, length, values, out, err) != 0)
				return -1;
		}
		text += length;
	}
	if (conditions.depth != 0)
		return error_set(err, EXIT_FAILED, "template has @if without @end");
	return buffer_check(out, "the configuration", err);
}
