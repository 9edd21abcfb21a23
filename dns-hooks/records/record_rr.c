#include "dns-hooks/records/record_rr.h"

#include "common/file.h"
#include "dns-hooks/records/caa_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = CAA_TEXT_MAX + 1024, STRING_MAX = 255 };

ldns_rr *record_bare_rr(const char *name, ldns_rr_class class, ldns_rr_type type, struct error *err)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(*name == '\0' ? "." : name);
	ldns_rr *rr = ldns_rr_new();

	if (owner == NULL || rr == NULL) {
		ldns_rdf_deep_free(owner);
		ldns_rr_free(rr);
		error_set(err, EXIT_FAILED, "'%.100s' is not a domain name", name);
		return NULL;
	}
	ldns_rr_set_owner(rr, owner); /* the record's from here on */
	ldns_rr_set_class(rr, class);
	ldns_rr_set_type(rr, type);
	ldns_rr_set_ttl(rr, 0);
	return rr;
}

static int push_string(ldns_rr *rr, const char *text, size_t length)
{
	uint8_t bytes[STRING_MAX + 1];

	bytes[0] = (uint8_t)length;
	memcpy(bytes + 1, text, length);
	ldns_rdf *field = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, length + 1, bytes);
	return field != NULL && ldns_rr_push_rdf(rr, field) ? 0 : -1;
}

/* Made from the bytes: no value can be read as anything but a value. */
static ldns_rr *text_rr(const struct record *record, struct error *err)
{
	ldns_rr *rr = record_bare_rr(record->name, LDNS_RR_CLASS_IN, LDNS_RR_TYPE_TXT, err);
	const char *text = record->value;
	size_t left = strlen(text);

	if (rr == NULL)
		return NULL;
	do {
		size_t piece = left < STRING_MAX ? left : STRING_MAX;
		if (push_string(rr, text, piece) != 0) {
			ldns_rr_free(rr);
			error_no_memory(err);
			return NULL;
		}
		text += piece;
		left -= piece;
	} while (left > 0);
	ldns_rr_set_ttl(rr, record->ttl);
	return rr;
}

/* Made from the name: in the text of a zone file "@" and '"' would mean something else. */
static ldns_rr *cname_rr(const struct record *record, struct error *err)
{
	const char *value = *record->value == '\0' ? "." : record->value;
	ldns_rdf *target = ldns_dname_new_frm_str(value);
	ldns_rr *rr = NULL;

	if (target == NULL) {
		error_set(err, EXIT_FAILED, "'%.200s' is not a domain name", value);
		return NULL;
	}
	rr = record_bare_rr(record->name, LDNS_RR_CLASS_IN, LDNS_RR_TYPE_CNAME, err);
	if (rr != NULL && !ldns_rr_push_rdf(rr, target)) {
		ldns_rr_free(rr);
		rr = NULL;
		error_no_memory(err);
	}
	if (rr == NULL) {
		ldns_rdf_deep_free(target);
		return NULL;
	}
	ldns_rr_set_ttl(rr, record->ttl);
	return rr;
}

/* A CA ignores the letter case of a tag, but a server removes only the record whose tag is
 * written in the same letters. */
static void keep_tag(const ldns_rr *rr, struct record *record)
{
	const ldns_rdf *tag = ldns_rr_rdf(rr, 1);
	size_t size = tag == NULL ? 0 : ldns_rdf_size(tag); /* with the length in front */

	if (record->type == RECORD_CAA && size > 1 && size <= sizeof(record->id))
		snprintf(record->id, sizeof(record->id), "%.*s", (int)size - 1,
			 (const char *)ldns_rdf_data(tag) + 1);
}

static void restore_tag(const struct record *record, ldns_rr *rr)
{
	ldns_rdf *tag = ldns_rr_rdf(rr, 1);
	size_t length = strlen(record->id);

	if (record->type == RECORD_CAA && tag != NULL && ldns_rdf_size(tag) == length + 1)
		memcpy(ldns_rdf_data(tag) + 1, record->id, length);
}

ldns_rr *record_to_rr(const struct record *record, struct error *err)
{
	char line[LINE_MAX_BYTES];
	ldns_rr *rr = NULL;

	if (record->type == RECORD_TXT)
		return text_rr(record, err);
	if (record->type == RECORD_CNAME)
		return cname_rr(record, err);
	int length = snprintf(line, sizeof(line), "%s. %u IN %s %s", record->name, record->ttl,
			      record_type_text(record), record->value);
	if (length < 0 || (size_t)length >= sizeof(line) ||
	    ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) != LDNS_STATUS_OK) {
		error_set(err, EXIT_FAILED, "'%.200s' cannot be the value of a record %s",
			  record->value, record_type_text(record));
		return NULL;
	}
	restore_tag(record, rr);
	return rr;
}

static void append_bytes(struct buffer *text, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = (char)bytes[i];
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			buffer_printf(text, "\\%03u", bytes[i]);
		else
			buffer_append(text, &c, 1);
	}
}

/* The strings of a TXT record, joined. */
static void join_strings(const ldns_rr *rr, struct buffer *text)
{
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		if (ldns_rdf_size(field) > 1)
			append_bytes(text, ldns_rdf_data(field) + 1, ldns_rdf_size(field) - 1);
	}
}

/* RDATA as zone files have it. */
static void print_rdata(const ldns_rr *rr, struct buffer *text)
{
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		AUTO_FREE char *field = ldns_rdf2str(ldns_rr_rdf(rr, i));
		buffer_printf(text, "%s%s", i == 0 ? "" : " ", field == NULL ? "?" : field);
	}
}

/* RDATA as hex (RFC 3597 section 5), which loses nothing of it. */
static void print_unknown(const ldns_rr *rr, struct buffer *text)
{
	size_t length = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		length += ldns_rdf_size(ldns_rr_rdf(rr, i));
	buffer_printf(text, "\\# %zu ", length);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		for (size_t at = 0; at < ldns_rdf_size(field); at++)
			buffer_printf(text, "%02x", ldns_rdf_data(field)[at]);
	}
}

/* A record that no CA understands is not shown as one that a CA would go by. */
static void print_caa(const ldns_rr *rr, struct buffer *text)
{
	char line[CAA_TEXT_MAX];
	struct caa caa;

	if (caa_from_rr(rr, &caa) != 0) {
		print_unknown(rr, text);
		return;
	}
	caa_format(&caa, line);
	buffer_puts(text, line);
}

static enum record_type type_of(const ldns_rr *rr)
{
	switch (ldns_rr_get_type(rr)) {
	case LDNS_RR_TYPE_A:
		return RECORD_A;
	case LDNS_RR_TYPE_AAAA:
		return RECORD_AAAA;
	case LDNS_RR_TYPE_CNAME:
		return RECORD_CNAME;
	case LDNS_RR_TYPE_TXT:
		return RECORD_TXT;
	case LDNS_RR_TYPE_CAA:
		return RECORD_CAA;
	default:
		return RECORD_OTHER;
	}
}

static int make(const ldns_rr *rr, const char *name, const char *value, struct record *record,
		struct error *err)
{
	AUTO_FREE char *type_name = ldns_rr_type2str(ldns_rr_get_type(rr));

	return record_make_shown(record, name, type_name == NULL ? "?" : type_name, ldns_rr_ttl(rr),
				 value, err);
}

int record_from_rr(const ldns_rr *rr, struct record *record, struct error *err)
{
	AUTO_FREE char *name = ldns_rdf2str(ldns_rr_owner(rr));
	struct buffer value;

	*record = (struct record){0};
	if (name == NULL)
		return error_no_memory(err);
	/* Every byte of RDATA may take four characters. */
	buffer_init(&value, RECORD_VALUE_MAX * 4);
	if (type_of(rr) == RECORD_TXT)
		join_strings(rr, &value);
	else if (type_of(rr) == RECORD_CAA)
		print_caa(rr, &value);
	else
		print_rdata(rr, &value);
	int result = buffer_check(&value, name, err);
	if (result == 0)
		result = make(rr, name, buffer_text(&value), record, err);
	if (result == 0)
		keep_tag(rr, record);
	buffer_free(&value);
	return result;
}
