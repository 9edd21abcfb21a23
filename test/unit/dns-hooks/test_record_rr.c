/* Records to resource records and back. */
#include "test/unit/common/unit.h"

#include "dns-hooks/records/record_rr.h"

static void expect_round_trip(enum record_type type, const char *value)
{
	AUTO_RECORD struct record before = {0}, after = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(record_make(&before, "*.a_b.test", type, 77, value, &err), 0);
	ldns_rr *rr = record_to_rr(&before, &err);
	assert_non_null(rr);
	assert_int_equal(ldns_rr_get_class(rr), LDNS_RR_CLASS_IN);
	assert_int_equal(record_from_rr(rr, &after, &err), 0);
	assert_true(record_same(&before, &after));
	assert_string_equal(before.value, after.value);
	assert_int_equal(after.ttl, 77);
	ldns_rr_free(rr);
}

static void values_survive_the_way_there_and_back(void **state)
{
	char longer[701];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	expect_round_trip(RECORD_A, "192.0.2.1");
	expect_round_trip(RECORD_AAAA, "2001:db8::1");
	expect_round_trip(RECORD_CNAME, "gateway.example.test");
	expect_round_trip(RECORD_CNAME, "_.dstack.example.test");
	/* Names that mean something else in a zone file, or end a value there. */
	expect_round_trip(RECORD_CNAME, "@");
	expect_round_trip(RECORD_CNAME, "a\"b\\;c\\032.example.test");
	expect_round_trip(RECORD_CNAME, "");
	expect_round_trip(RECORD_TXT, "plain");
	expect_round_trip(RECORD_TXT, "");
	expect_round_trip(RECORD_TXT, "with \"quotes\", a \\ and a ; too");
	expect_round_trip(RECORD_TXT, "\xc3\xa4");
	expect_round_trip(RECORD_TXT, longer);
	expect_round_trip(RECORD_CAA, "0 issue \";\"");
	expect_round_trip(RECORD_CAA, "0 issue \"\"");
	expect_round_trip(RECORD_CAA, "128 tbs \"\"");
	expect_round_trip(RECORD_CAA, "128 issuewild \"ca.test; validationmethods=dns-01; "
				      "accounturi=https://ca.test/acct/1?x=y\"");
}

static void expect_read(const char *line, const char *type, const char *value)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;
	ldns_rr *rr = NULL;

	assert_int_equal(ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL), LDNS_STATUS_OK);
	assert_int_equal(record_from_rr(rr, &record, &err), 0);
	assert_string_equal(record_type_text(&record), type);
	assert_string_equal(record.value, value);
	ldns_rr_free(rr);
}

static void foreign_records_are_read(void **state)
{
	(void)state;
	expect_read("a.test. 60 IN MX 10 mail.test.", "MX", "10 mail.test.");
	expect_read("a.test. 60 IN TXT \"one\" \"two\"", "TXT", "onetwo");
	expect_read("a.test. 60 IN TXT \"nul\\000bell\\007\"", "TXT", "nul\\000bell\\007");
	expect_read("a.test. 60 IN TYPE65280 \\# 2 abcd", "TYPE65280", "\\# 2 abcd");
	expect_read("a.test. 60 IN SPF \"v=spf1\"", "SPF", "\"v=spf1\"");
	expect_read("a.test. 60 IN CAA 0 issue \"ca.test\"", "CAA", "0 issue \"ca.test\"");
}

/* A record of CAA with that tag and value, as it is read. */
static void read_caa(const void *tag, size_t tag_length, const void *value, size_t value_length,
		     struct record *record)
{
	struct error err = ERROR_INIT;
	ldns_rr *rr = record_bare_rr("a.test", LDNS_RR_CLASS_IN, LDNS_RR_TYPE_CAA, &err);
	const uint8_t flags = 0;
	uint8_t field[64];

	assert_non_null(rr);
	field[0] = (uint8_t)tag_length;
	memcpy(field + 1, tag, tag_length);
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT8, 1, &flags));
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_TAG, tag_length + 1, field));
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_LONG_STR, value_length, value));
	assert_int_equal(record_from_rr(rr, record, &err), 0);
	ldns_rr_free(rr);
}

static void expect_exact_caa(const void *tag, size_t tag_length, const void *value,
			     size_t value_length, const char *wanted)
{
	AUTO_RECORD struct record record = {0}, again = {0};
	struct error err = ERROR_INIT;

	read_caa(tag, tag_length, value, value_length, &record);
	assert_int_equal(record.type, RECORD_CAA);
	assert_string_equal(record.value, wanted);
	ldns_rr *rr = record_to_rr(&record, &err);
	assert_non_null(rr);
	assert_int_equal(record_from_rr(rr, &again, &err), 0);
	assert_true(record_same(&record, &again));
	assert_string_equal(again.id, record.id);
	ldns_rr_free(rr);
}

/* To be removed, a record has to be named in its own letters. */
static void a_tag_keeps_its_letters(void **state)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	(void)state;
	read_caa("IsSue", 5, "ca.test", 7, &record);
	assert_string_equal(record.value, "0 issue \"ca.test\"");
	ldns_rr *rr = record_to_rr(&record, &err);
	assert_non_null(rr);
	assert_memory_equal(ldns_rdf_data(ldns_rr_rdf(rr, 1)), "\5IsSue", 6);
	ldns_rr_free(rr);
}

/* Taken for "issue", or for text with a backslash in it, they could be taken for ours. */
static void odd_caa_records_are_kept_exactly(void **state)
{
	(void)state;
	expect_exact_caa("issue", 5, "ca.test", 7, "0 issue \"ca.test\"");
	expect_exact_caa("issue", 5, "a\tb", 3, "\\# 10 00056973737565610962");
	expect_exact_caa("issue", 5, "\xc3\xa4", 2, "\\# 9 00056973737565c3a4");
	expect_exact_caa("issue\0x", 7, "ca", 2, "\\# 11 0007697373756500786361");
	expect_exact_caa("issue", 5, "c\0a", 3, "\\# 10 00056973737565630061");
	expect_exact_caa("iss-ue", 6, "c", 1, "\\# 9 00066973732d756563");
}

static void a_set_is_named_without_data(void **state)
{
	struct error err = ERROR_INIT;
	ldns_rr *rr = record_bare_rr("a.test", LDNS_RR_CLASS_NONE, LDNS_RR_TYPE_CNAME, &err);

	(void)state;
	assert_non_null(rr);
	assert_int_equal(ldns_rr_rd_count(rr), 0);
	assert_int_equal(ldns_rr_ttl(rr), 0);
	assert_int_equal(ldns_rr_get_class(rr), LDNS_RR_CLASS_NONE);
	ldns_rr_free(rr);
}

static void a_name_that_is_none_is_an_error(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(record_bare_rr("a..test", LDNS_RR_CLASS_IN, LDNS_RR_TYPE_A, &err));
	assert_contains(err.text, "a..test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_survive_the_way_there_and_back),
	    cmocka_unit_test(foreign_records_are_read),
	    cmocka_unit_test(a_tag_keeps_its_letters),
	    cmocka_unit_test(odd_caa_records_are_kept_exactly),
	    cmocka_unit_test(a_set_is_named_without_data),
	    cmocka_unit_test(a_name_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
