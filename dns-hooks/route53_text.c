#include "dns-hooks/route53_text.h"

#include "dns-hooks/record.h"

#include <string.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The byte that the escape at `text` stands for; -1 when there is none. */
static int octal_escape(const char *text)
{
	if (text[0] != '\\' || text[1] < '0' || text[1] > '3' || !is_octal(text[2]) ||
	    !is_octal(text[3]))
		return -1;
	return (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0');
}

int route53_name(const char *text, domain_name out)
{
	char plain[2 * sizeof(domain_name)];
	size_t length = 0;

	while (*text != '\0') {
		int byte = octal_escape(text);
		bool is_plain = byte > ' ' && byte <= '~' && byte != '.' && byte != '\\';
		if (length + 1 >= sizeof(plain))
			return -1;
		plain[length++] = is_plain ? (char)byte : *text;
		text += is_plain ? 4 : 1;
	}
	plain[length] = '\0';
	return record_name(plain, out);
}

int route53_read_txt(const char *text, struct buffer *into)
{
	struct buffer decimal;
	bool is_quoted = *text == '"', inside = !is_quoted;
	int result = -1;

	/* As a zone file has it, which is known how to read. */
	buffer_init(&decimal, 4 * RECORD_VALUE_MAX);
	while (*text != '\0') {
		unsigned char c = (unsigned char)*text;
		int byte = octal_escape(text);
		size_t step = byte >= 0 ? 4 : c == '\\' && text[1] != '\0' ? 2 : 1;
		if (is_quoted && c == '"')
			inside = !inside;
		if (byte < 0 && inside && (c < ' ' || c == 0x7f))
			byte = c;
		if (byte >= 0)
			buffer_printf(&decimal, "\\%03d", byte);
		else
			buffer_append(&decimal, text, step);
		text += step;
	}
	if (!decimal.failed)
		result = record_unquote(buffer_text(&decimal), into);
	buffer_free(&decimal);
	return result;
}

int route53_write_txt(const char *value, struct buffer *into)
{
	struct buffer quoted;

	buffer_init(&quoted, RECORD_VALUE_MAX);
	if (record_quote(value, &quoted) == 0)
		for (const char *at = buffer_text(&quoted); *at != '\0'; at++) {
			unsigned char byte = (unsigned char)*at;
			if (byte < ' ' || byte > '~')
				buffer_printf(into, "\\%03o", (unsigned)byte);
			else
				buffer_append(into, at, 1);
		}
	bool failed = quoted.failed;
	buffer_free(&quoted);
	return failed || into->failed ? -1 : 0;
}

void route53_write_xml(const char *text, struct buffer *into)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			buffer_puts(into, "&lt;");
		else if (*text == '>')
			buffer_puts(into, "&gt;");
		else if (*text == '&')
			buffer_puts(into, "&amp;");
		else if (*text == '\r') /* would be read as a line feed */
			buffer_puts(into, "&#13;");
		else
			buffer_append(into, text, 1);
	}
}
