/* CAA records out of the bytes of DNS: as they are, or as something that nobody can read. */
#include "dns-hooks/records/caa_wire.h"

#include "test/unit/common/unit.h"

/* `data` in RFC 3597's hexadecimal form. */
static ldns_rr *record_of(const char *data)
{
	char line[256];
	ldns_rr *rr = NULL;

	snprintf(line, sizeof(line), "a.test. 60 IN CAA \\# %zu %s", strlen(data) / 2, data);
	assert_int_equal(ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL), LDNS_STATUS_OK);

	uint8_t *bytes = NULL;
	size_t length = 0, at = 0;
	ldns_rr *read = NULL;
	assert_int_equal(ldns_rr2wire(&bytes, rr, LDNS_SECTION_ANSWER, &length), LDNS_STATUS_OK);
	assert_int_equal(ldns_wire2rr(&read, bytes, length, &at, LDNS_SECTION_ANSWER),
			 LDNS_STATUS_OK);
	free(bytes);
	ldns_rr_free(rr);
	return read;
}

static void expect(const char *data, bool is_exact, const char *text)
{
	ldns_rr *rr = record_of(data);
	struct caa caa;
	char shown[CAA_TEXT_MAX];

	assert_int_equal(caa_from_rr(rr, &caa), is_exact ? 0 : -1);
	caa_from_rr_loosely(rr, &caa);
	caa_format(&caa, shown);
	assert_string_equal(shown, text);
	ldns_rr_free(rr);
}

static void what_is_there_is_read(void **state)
{
	(void)state;
	expect("0005"
	       "69737375653b",
	       true, "0 issue \";\"");
	expect("8003"
	       "5462734f4b",
	       true, "128 tbs \"OK\"");
}

/* Nobody may issue, and unknown but critical: neither may be overlooked. */
static void an_empty_value_is_a_value(void **state)
{
	(void)state;
	expect("0005"
	       "6973737565",
	       true, "0 issue \"\"");
	expect("8003"
	       "746273",
	       true, "128 tbs \"\"");
}

static void what_cannot_be_said_names_no_ca(void **state)
{
	(void)state;
	expect("0005"
	       "697373756500",
	       false, "0 issue \"(unreadable)\"");
	expect("8003"
	       "742d7341",
	       false, "128 unreadable \"(unreadable)\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_there_is_read),
	    cmocka_unit_test(an_empty_value_is_a_value),
	    cmocka_unit_test(what_cannot_be_said_names_no_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
