/* dns-hooks: resource records, as a zone's primary shows them and as updates carry them. */
#include "common/file.h"
#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/record_rr.h"
#include "test/fuzz/dns_message.h"

#include <ctype.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* All RDATA fields one behind the other; free(). */
static char *rdata_of(const ldns_rr *rr, bool joined, size_t *length)
{
	struct buffer bytes;

	buffer_init(&bytes, 4 * UINT16_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		size_t skip = joined && ldns_rdf_size(field) > 0 ? 1 : 0;
		/* A field without bytes has no address either. */
		if (ldns_rdf_size(field) > skip)
			buffer_append(&bytes, ldns_rdf_data(field) + skip,
				      ldns_rdf_size(field) - skip);
	}
	*length = bytes.length;
	return buffer_take(&bytes);
}

static bool has_control(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)bytes[i]))
			return true;
	return false;
}

/* Names and tags are the same in any letter case, the text of a TXT record is not. */
static bool is_same_rdata(const ldns_rr *a, const ldns_rr *b)
{
	bool is_text = ldns_rr_get_type(a) == LDNS_RR_TYPE_TXT;
	size_t left_length, right_length;
	AUTO_FREE char *left = rdata_of(a, is_text, &left_length);
	AUTO_FREE char *right = rdata_of(b, is_text, &right_length);

	/* Bytes that the text form has as \DDD are not written back. */
	if (is_text && has_control(left, left_length))
		return true;
	bool same = left_length == right_length;
	for (size_t i = 0; same && i < left_length; i++)
		same = is_text
			   ? left[i] == right[i]
			   : tolower((unsigned char)left[i]) == tolower((unsigned char)right[i]);
	return same;
}

/*
 * What is written for a record that was read is that record, or nothing at all: to take out a
 * value, this program sends it back as it understood it.
 */
static void check_written(const ldns_rr *rr, const struct record *record)
{
	struct error err = ERROR_INIT;
	ldns_rr *written = record_to_rr(record, &err);

	if (written == NULL) {
		fuzz_check_error(&err);
		CHECK(record->type != RECORD_A && record->type != RECORD_AAAA &&
		      record->type != RECORD_TXT);
		return;
	}
	CHECK(ldns_rr_get_type(written) == ldns_rr_get_type(rr));
	CHECK(is_same_rdata(rr, written));
	struct record again;
	CHECK(record_from_rr(written, &again, &err) == 0);
	CHECK(record->type == RECORD_TXT || record_same(record, &again));
	record_free(&again);
	ldns_rr_free(written);
}

static void check_record(const ldns_rr *rr)
{
	AUTO_RECORD struct record record = {0}, copy = {0};
	struct error err = ERROR_INIT;

	if (record_from_rr(rr, &record, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	CHECK(strlen(record.name) < sizeof(record.name));
	CHECK(strlen(record.value) <= RECORD_VALUE_MAX);
	CHECK(record_copy(&copy, &record, &err) == 0 && record_same(&copy, &record));
	CHECK(record_type_text(&record)[0] != '\0');
	if (record.type == RECORD_OTHER || ldns_rr_rd_count(rr) == 0)
		return;
	/* Names that are asked about come from the settings: there is nothing odd in them. */
	memcpy(record.name, "a.test", sizeof("a.test"));
	check_written(rr, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PKT ldns_pkt *message = message_of(data, size);
	const ldns_rr_list *section = message == NULL ? NULL : ldns_pkt_answer(message);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section) && i < 32; i++)
		if (ldns_rr_get_class(ldns_rr_list_rr(section, i)) == LDNS_RR_CLASS_IN)
			check_record(ldns_rr_list_rr(section, i));
	return 0;
}
