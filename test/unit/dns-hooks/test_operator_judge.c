/* Whether what DNS shows is what the operator was to make, and the list of such records. */
#include "dns-hooks/operator/operator_judge.h"

#include "test/unit/common/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 4

struct row {
	const char *about;
	enum record_type type;
	const char *wanted;
	bool exact;
	const char *chain[PARTS_MAX];
	enum record_type seen_type;
	const char *seen[PARTS_MAX];
	enum operator_verdict verdict;
	const char *why; /* a part of it */
};

static const struct row rows[] = {
    {"the very CNAME",
     RECORD_CNAME,
     "n.z.test",
     true,
     {"n.z.test"},
     RECORD_A,
     {NULL},
     OPERATOR_MET,
     NULL},
    {"a CNAME to another target",
     RECORD_CNAME,
     "n.z.test",
     true,
     {"n.y.test", "n.z.test"},
     RECORD_A,
     {NULL},
     OPERATOR_UNMET,
     "n.test is a CNAME to n.y.test"},
    {"nothing where a CNAME should be",
     RECORD_CNAME,
     "n.z.test",
     true,
     {NULL},
     RECORD_A,
     {NULL},
     OPERATOR_UNMET,
     "n.test has no CNAME record"},
    {"addresses where exactly a CNAME should be",
     RECORD_CNAME,
     "gateway.test",
     true,
     {NULL},
     RECORD_A,
     {"192.0.2.1"},
     OPERATOR_UNMET,
     "n.test has A 192.0.2.1"},
    {"an alias",
     RECORD_CNAME,
     "gateway.test",
     false,
     {"gateway.test"},
     RECORD_A,
     {"192.0.2.1"},
     OPERATOR_MET,
     NULL},
    {"an alias by way of another",
     RECORD_CNAME,
     "gateway.test",
     false,
     {"other.test", "gateway.test"},
     RECORD_A,
     {NULL},
     OPERATOR_MET,
     NULL},
    {"an alias of the target's addresses",
     RECORD_CNAME,
     "gateway.test",
     false,
     {NULL},
     RECORD_A,
     {"192.0.2.2", "192.0.2.1"},
     OPERATOR_MET,
     NULL},
    {"an alias behind a CNAME of somebody's",
     RECORD_CNAME,
     "gateway.test",
     false,
     {"other.test"},
     RECORD_A,
     {"192.0.2.1"},
     OPERATOR_MET,
     NULL},
    {"an address that is not the target's",
     RECORD_CNAME,
     "gateway.test",
     false,
     {NULL},
     RECORD_A,
     {"192.0.2.1", "192.0.2.9"},
     OPERATOR_UNMET,
     "n.test has A 192.0.2.1, and others"},
    {"an alias that leads nowhere",
     RECORD_CNAME,
     "gateway.test",
     false,
     {"other.test"},
     RECORD_A,
     {NULL},
     OPERATOR_UNMET,
     "n.test is a CNAME to other.test"},
    {"the TXT value behind a CNAME",
     RECORD_TXT,
     "ab:443",
     true,
     {"n.z.test"},
     RECORD_TXT,
     {"ab:443"},
     OPERATOR_MET,
     NULL},
    {"the TXT value beside what is none of an app",
     RECORD_TXT,
     "ab:443",
     true,
     {NULL},
     RECORD_TXT,
     {"v=spf1", "ab:443"},
     OPERATOR_MET,
     NULL},
    {"the TXT value beside another app's",
     RECORD_TXT,
     "ab:443",
     true,
     {NULL},
     RECORD_TXT,
     {"cd:443", "ab:443"},
     OPERATOR_UNMET,
     "n.test has TXT cd:443, and others"},
    {"the TXT value beside another app's, at a shared name",
     RECORD_TXT,
     "ab:443",
     false,
     {NULL},
     RECORD_TXT,
     {"cd:443", "ab:443"},
     OPERATOR_MET,
     NULL},
    {"another app's TXT value",
     RECORD_TXT,
     "ab:443",
     true,
     {"n.z.test"},
     RECORD_TXT,
     {"cd:443"},
     OPERATOR_UNMET,
     "n.test has TXT cd:443"},
    {"TXT in another case",
     RECORD_TXT,
     "ab:443",
     true,
     {NULL},
     RECORD_TXT,
     {"AB:443"},
     OPERATOR_UNMET,
     "n.test has TXT AB:443"},
    {"a CAA record written otherwise, beside others",
     RECORD_CAA,
     "0 issue \"ca.test; accounturi=https://x; validationmethods=dns-01\"",
     true,
     {NULL},
     RECORD_CAA,
     {"0 iodef \"mailto:a@b\"",
      "0 issue \"ca.test;validationmethods=dns-01;accounturi=https://x\""},
     OPERATOR_MET,
     NULL},
    {"no CAA record",
     RECORD_CAA,
     "0 issue \"ca.test\"",
     true,
     {NULL},
     RECORD_CAA,
     {NULL},
     OPERATOR_UNMET,
     "n.test has no CAA record"},
};

static void add(struct record_list *list, enum record_type type, const char *value)
{
	struct error err = ERROR_INIT;
	struct record record;

	assert_int_equal(record_make(&record, "end.test", type, 60, value, &err), 0);
	assert_int_equal(record_list_add(list, &record, &err), 0);
}

static void judge(const struct row *row)
{
	AUTO_OPERATOR struct operator_list list = {0};
	AUTO_RECORDS struct record_list target = {0};
	struct operator_sight sight = {0};
	struct error err = ERROR_INIT, why = ERROR_INIT;

	assert_int_equal(
	    operator_list_add(&list, "n.test", row->type, row->wanted, row->exact, "", &err), 0);
	add(&target, RECORD_A, "192.0.2.1");
	add(&target, RECORD_A, "192.0.2.2");
	for (size_t i = 0; i < PARTS_MAX && row->chain[i] != NULL; i++)
		snprintf(sight.chain[sight.hops++], sizeof(domain_name), "%s", row->chain[i]);
	for (size_t i = 0; i < PARTS_MAX && row->seen[i] != NULL; i++)
		add(&sight.records, row->seen_type, row->seen[i]);
	print_message("%s\n", row->about);
	assert_int_equal(operator_judge(&list.items[0], &sight, &target, &why), row->verdict);
	if (row->why != NULL)
		assert_non_null(strstr(why.text, row->why));
	record_list_free(&sight.records);
}

static void what_is_seen_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge(&rows[i]);
}

static void a_list_has_no_record_twice(void **state)
{
	AUTO_OPERATOR struct operator_list list = {0};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(operator_list_add(&list, "N.test", RECORD_CNAME, "n.z.TEST.", true,
						   "an alias", &err),
				 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(
	    operator_list_add(&list, "n.test", RECORD_A, "not an address", true, "", &err), -1);
	assert_int_equal(list.count, 1);
}

static void a_list_is_shown_as_json(void **state)
{
	AUTO_OPERATOR struct operator_list list = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(operator_list_add(&list, "n.test", RECORD_CNAME, "n.z.test", true,
					   "leads to the app", &err),
			 0);
	assert_int_equal(
	    operator_list_add(&list, "_a.n.test", RECORD_TXT, "ab:443", false, "", &err), 0);
	AUTO_JSON cJSON *json = operator_list_json(&list, &err);
	assert_non_null(json);
	char *text = json_print(json, false, &err);
	assert_string_equal(text, "[{\"type\":\"CNAME\",\"name\":\"n.test\",\"value\":\"n.z.test\","
				  "\"note\":\"leads to the app\",\"exact\":true},"
				  "{\"type\":\"TXT\",\"name\":\"_a.n.test\",\"value\":\"ab:443\","
				  "\"note\":\"\",\"exact\":false}]");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_seen_is_judged),
	    cmocka_unit_test(a_list_has_no_record_twice),
	    cmocka_unit_test(a_list_is_shown_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
