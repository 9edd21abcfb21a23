#include "dns-hooks/records/caa_wire.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS = 3 };

/* A field as text, without the `skip` bytes in front; -1 if it does not fit or is not printable. */
static int field_text(const ldns_rdf *field, size_t skip, char *text, size_t size)
{
	size_t length = ldns_rdf_size(field);

	if (length < skip || length - skip >= size)
		return -1;
	/* A field without bytes has no address either. */
	if (length > skip)
		memcpy(text, ldns_rdf_data(field) + skip, length - skip);
	text[length - skip] = '\0';
	for (size_t i = 0; i < length - skip; i++)
		if (text[i] < ' ' || text[i] > '~')
			return -1;
	return 0;
}

/* ldns makes no field for a value that is empty. */
static bool has_fields(const ldns_rr *rr)
{
	return ldns_rr_rd_count(rr) == FIELDS || ldns_rr_rd_count(rr) == FIELDS - 1;
}

static int value_text(const ldns_rr *rr, char *text, size_t size)
{
	if (ldns_rr_rd_count(rr) == FIELDS)
		return field_text(ldns_rr_rdf(rr, 2), 0, text, size);
	*text = '\0';
	return 0;
}

static unsigned flags_of(const ldns_rr *rr)
{
	return ldns_rdf_data(ldns_rr_rdf(rr, 0))[0];
}

/* Flags, tag (with its length in front) and value (the rest). */
int caa_from_rr(const ldns_rr *rr, struct caa *caa)
{
	char tag[CAA_TAG_MAX], value[CAA_VALUE_MAX];

	if (!has_fields(rr) || field_text(ldns_rr_rdf(rr, 1), 1, tag, sizeof(tag)) != 0 ||
	    value_text(rr, value, sizeof(value)) != 0)
		return -1;
	return caa_make(caa, flags_of(rr), tag, value);
}

void caa_from_rr_loosely(const ldns_rr *rr, struct caa *caa)
{
	static const char unreadable[] = "unreadable";
	char tag[CAA_TAG_MAX];

	if (caa_from_rr(rr, caa) == 0)
		return;
	*caa = (struct caa){0};
	snprintf(caa->tag, sizeof(caa->tag), "%s", unreadable);
	snprintf(caa->value, sizeof(caa->value), "(%s)", unreadable);
	if (!has_fields(rr))
		return;
	caa->flags = flags_of(rr);
	if (field_text(ldns_rr_rdf(rr, 1), 1, tag, sizeof(tag)) == 0)
		caa_make(caa, caa->flags, tag, "(unreadable)");
}
