#include "dns-hooks/providers/route53_text.h"

#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record.h"
#include "dns-hooks/records/record_text.h"

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
	return dns_name_normal(plain, out);
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\0') || c == 0x7f;
}

/* Appends what stands at `text` as a zone file has it, where escapes are decimal; returns how
 * long it is. */
static size_t write_decimal(const char *text, bool is_inside, struct buffer *into)
{
	int byte = octal_escape(text);
	bool is_pair = text[0] == '\\' && text[1] != '\0' && !is_control(text[1]);
	size_t length = byte >= 0 ? 4 : is_pair ? 2 : 1;

	if (byte < 0 && is_inside && is_control(*text))
		byte = (unsigned char)*text;
	if (byte >= 0)
		buffer_printf(into, "\\%03d", byte);
	else
		buffer_append(into, text, length);
	return length;
}

int route53_read_txt(const char *text, struct buffer *into)
{
	bool is_quoted = *text == '"', is_inside = !is_quoted;
	struct buffer decimal;
	int result = -1;

	buffer_init(&decimal, 4 * RECORD_VALUE_MAX);
	while (*text != '\0') {
		if (is_quoted && *text == '"')
			is_inside = !is_inside;
		text += write_decimal(text, is_inside, &decimal);
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
			if (*at < ' ' || *at > '~')
				buffer_printf(into, "\\%03o", (unsigned)(unsigned char)*at);
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
