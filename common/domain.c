#include "common/domain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Locale-free: <ctype.h> would let the locale decide what a letter is. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_name_character(char c, bool underscore)
{
	return (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c) || c == '-' ||
	       (underscore && c == '_');
}

static enum domain_verdict check_label(const char *label, size_t length, bool underscore)
{
	for (size_t i = 0; i < length; i++) {
		if (label[i] == '*')
			return DOMAIN_BAD_WILDCARD;
		if (!is_name_character(label[i], underscore))
			return DOMAIN_BAD_CHARACTER;
	}
	if (length == 0 || length > DOMAIN_LABEL_MAX)
		return DOMAIN_BAD_LABEL;
	if (label[0] == '-' || label[length - 1] == '-')
		return DOMAIN_BAD_LABEL;
	return DOMAIN_VALID;
}

/* Whether it is a URL, or has a port or a path. */
static bool is_more_than_name(const char *text, size_t length)
{
	return memchr(text, ':', length) != NULL || memchr(text, '/', length) != NULL;
}

static enum domain_verdict check_labels(const char *name, size_t length, bool underscore)
{
	const char *end = name + length;

	for (const char *label = name;; label++) {
		const char *dot = memchr(label, '.', (size_t)(end - label));
		const char *label_end = dot == NULL ? end : dot;
		enum domain_verdict verdict =
		    check_label(label, (size_t)(label_end - label), underscore);
		if (verdict != DOMAIN_VALID || dot == NULL)
			return verdict;
		label = dot;
	}
}

static void lower(const char *text, size_t length, domain_name out)
{
	for (size_t i = 0; i < length; i++)
		out[i] = is_upper(text[i]) ? (char)(text[i] - 'A' + 'a') : text[i];
	out[length] = '\0';
}

/* No top-level domain is a number, so such a name can only be meant as an address. */
static bool is_numeric(const char *name)
{
	return name[strspn(name, "0123456789.")] == '\0';
}

static size_t without_trailing_dot(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == '.' ? length - 1 : length;
}

enum domain_verdict domain_parse(const char *text, size_t length, domain_name out)
{
	out[0] = '\0';
	length = without_trailing_dot(text, length);
	if (length == 0)
		return DOMAIN_EMPTY;
	if (length > DOMAIN_MAX)
		return DOMAIN_TOO_LONG;
	size_t prefix = length > 2 && text[0] == '*' && text[1] == '.' ? 2 : 0;
	const char *base = text + prefix;
	enum domain_verdict verdict = check_labels(base, length - prefix, false);
	if (verdict == DOMAIN_BAD_CHARACTER && is_more_than_name(text, length))
		return DOMAIN_MORE_THAN_NAME;
	if (verdict != DOMAIN_VALID)
		return verdict;
	if (memchr(base, '.', length - prefix) == NULL)
		return DOMAIN_SINGLE_LABEL;
	lower(text, length, out);
	if (is_numeric(out + prefix)) {
		out[0] = '\0';
		return DOMAIN_IS_ADDRESS;
	}
	return DOMAIN_VALID;
}

enum domain_verdict domain_parse_host(const char *text, size_t length, domain_name out)
{
	struct in_addr address;

	out[0] = '\0';
	length = without_trailing_dot(text, length);
	if (length == 0)
		return DOMAIN_EMPTY;
	if (length > DOMAIN_MAX)
		return DOMAIN_TOO_LONG;
	enum domain_verdict verdict = check_labels(text, length, true);
	if (verdict == DOMAIN_BAD_CHARACTER && is_more_than_name(text, length))
		return DOMAIN_MORE_THAN_NAME;
	if (verdict != DOMAIN_VALID)
		return verdict;
	lower(text, length, out);
	if (!is_numeric(out))
		return DOMAIN_VALID;
	if (inet_pton(AF_INET, out, &address) == 1)
		return DOMAIN_IS_ADDRESS;
	out[0] = '\0';
	return DOMAIN_BAD_ADDRESS;
}

const char *domain_verdict_text(enum domain_verdict verdict)
{
	switch (verdict) {
	case DOMAIN_VALID:
		return "is a domain name";
	case DOMAIN_EMPTY:
		return "is empty";
	case DOMAIN_TOO_LONG:
		return "is longer than 253 characters";
	case DOMAIN_BAD_LABEL:
		return "has a label that is empty, longer than 63 characters, or begins or ends "
		       "with a hyphen";
	case DOMAIN_BAD_CHARACTER:
		return "has a character that domain names cannot have (letters, digits and "
		       "hyphens are allowed; write international names as xn--...)";
	case DOMAIN_MORE_THAN_NAME:
		return "is more than a domain name: give the name alone, without https://, port "
		       "and path";
	case DOMAIN_BAD_WILDCARD:
		return "has a '*' that is not allowed there (only *.example.com, where wildcards "
		       "are possible)";
	case DOMAIN_SINGLE_LABEL:
		return "has no dot, so no public CA issues for it";
	case DOMAIN_IS_ADDRESS:
		return "is an IP address, not a domain name";
	case DOMAIN_BAD_ADDRESS:
		return "looks like an IPv4 address but is none (four numbers from 0 to 255, "
		       "without leading zeros)";
	}
	return "is no domain name";
}

bool domain_is_meant(const char *name, const char *text)
{
	domain_name parsed;

	return domain_parse(text, strlen(text), parsed) == DOMAIN_VALID &&
	       strcmp(parsed, name) == 0;
}

bool domain_is_wildcard(const char *name)
{
	return name[0] == '*' && name[1] == '.';
}

const char *domain_base(const char *name)
{
	return domain_is_wildcard(name) ? name + 2 : name;
}

bool domain_covers(const char *pattern, const char *name)
{
	if (strcmp(pattern, name) == 0)
		return true;
	if (!domain_is_wildcard(pattern) || domain_is_wildcard(name))
		return false;
	const char *dot = strchr(name, '.');
	return dot != NULL && dot != name && strcmp(dot + 1, domain_base(pattern)) == 0;
}

/* Joins labels; a name that is too long is an error, never cut. */
static int join(const char *label, const char *suffix, const char *base, domain_name out)
{
	int length = snprintf(out, sizeof(domain_name), "%s%s.%s", label, suffix, base);

	if (length >= 0 && length <= DOMAIN_MAX)
		return 0;
	out[0] = '\0';
	return -1;
}

int domain_txt_name(const char *prefix, const char *name, domain_name out)
{
	return join(prefix, domain_is_wildcard(name) ? "-wildcard" : "", domain_base(name), out);
}

int domain_challenge_name(const char *name, domain_name out)
{
	return join("_acme-challenge", "", domain_base(name), out);
}
