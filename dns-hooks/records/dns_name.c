#include "dns-hooks/records/dns_name.h"

#include <ctype.h>
#include <string.h>

/* A dot between labels.  One within a label is written "\." (RFC 1035 section 5.1), and there may
 * be a backslash before that, written as two. */
static bool is_boundary(const char *text, size_t at)
{
	size_t backslashes = 0;

	while (backslashes < at && text[at - backslashes - 1] == '\\')
		backslashes++;
	return text[at] == '.' && backslashes % 2 == 0;
}

int dns_name_normal(const char *text, domain_name out)
{
	size_t length = strlen(text);

	if (length > 0 && is_boundary(text, length - 1))
		length--;
	if (length >= sizeof(domain_name))
		return -1;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[length] = '\0';
	return 0;
}

bool dns_name_within(const char *name, const char *zone)
{
	size_t name_length = strlen(name), zone_length = strlen(zone);

	if (zone_length == 0)
		return true;
	if (name_length < zone_length || strcmp(name + name_length - zone_length, zone) != 0)
		return false;
	return name_length == zone_length || is_boundary(name, name_length - zone_length - 1);
}
