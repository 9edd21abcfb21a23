/* What `ingressctl health` makes of a status. */
#include "test/unit/common/unit.h"

#include "common/json.h"
#include "supervisor/ctl/health.h"

#include <string.h>

#define NOW 1800000000 /* 2027-01-15 */
#define UP "\"haproxy\": {\"pid\": 7, \"worker\": 8}"
#define CERTIFICATE "\"certificate\": {\"not_after\": \"2027-02-01T00:00:00Z\"}"
#define GOOD "{\"name\": \"a.test\", \"served\": true, " CERTIFICATE "}"

/* Judges `text`, and compares what is printed. */
static bool judge(const char *text, enum health_depth depth, const char *expected)
{
	struct error err = ERROR_INIT;
	cJSON *status = json_parse(text, strlen(text), "the status", &err);
	char said[512] = "";
	FILE *out = fmemopen(said, sizeof(said), "w");
	bool healthy;

	assert_non_null(status);
	assert_non_null(out);
	healthy = ctl_health(status, depth, NOW, out);
	fclose(out);
	cJSON_Delete(status);
	assert_string_equal(said, expected);
	return healthy;
}

static void all_served_is_healthy(void **folder)
{
	(void)folder;
	assert_true(judge("{" UP ", \"domains\": [" GOOD ", " GOOD "]}", HEALTH_SERVED,
			  "ingressd and HAProxy are up, domains served: 2\n"));
}

static void without_haproxy_or_its_worker_it_is_not_even_live(void **folder)
{
	(void)folder;
	assert_false(judge("{\"domains\": [" GOOD "]}", HEALTH_LIVE, "HAProxy does not run\n"));
	assert_false(judge("{\"haproxy\": {\"pid\": 7, \"worker\": 0}, \"domains\": [" GOOD "]}",
			   HEALTH_SERVED,
			   "HAProxy is still loading its configuration, since its start\n"));
	assert_false(judge("{\"haproxy\": {\"pid\": 7, \"worker\": 0, "
			   "\"loading_since\": \"2026-11-29T12:00:00Z\"}, \"domains\": []}",
			   HEALTH_LIVE,
			   "HAProxy is still loading its configuration, since "
			   "2026-11-29T12:00:00Z\n"));
}

static void while_it_starts_no_domain_is_blamed(void **folder)
{
	static const char starting[] = "{\"starting\": true, \"haproxy\": {\"pid\": 0}, "
				       "\"domains\": [{\"name\": \"b.test\"}]}";
	static const char said[] =
	    "ingressd is starting: it reads the certificates on the volume\n";

	(void)folder;
	assert_false(judge(starting, HEALTH_SERVED, said));
	assert_false(judge(starting, HEALTH_LIVE, said));
}

static void one_domain_is_enough_to_be_unhealthy_and_is_named_with_its_error(void **folder)
{
	(void)folder;
	assert_false(judge("{" UP ", \"domains\": [" GOOD ", {\"name\": \"b.test\", "
			   "\"served\": false, \"certificate\": null, \"error\": \"it said no\"}]}",
			   HEALTH_SERVED, "b.test has no certificate: it said no\n"));
	assert_false(judge("{" UP ", \"domains\": [{\"name\": \"b.test\", \"served\": false, "
			   "\"error\": null, " CERTIFICATE "}]}",
			   HEALTH_SERVED, "b.test is not seen to be served yet\n"));
}

static void an_expired_certificate_is_no_certificate(void **folder)
{
	(void)folder;
	assert_false(judge("{" UP ", \"domains\": [{\"name\": \"b.test\", \"served\": true, "
			   "\"certificate\": {\"not_after\": \"2027-01-15T08:00:00Z\"}}]}",
			   HEALTH_SERVED, "b.test has a certificate that has expired\n"));
	assert_false(judge("{" UP ", \"domains\": [{\"name\": \"b.test\", \"served\": true, "
			   "\"certificate\": {\"not_after\": \"soon\"}}]}",
			   HEALTH_SERVED, "b.test has a certificate that has expired\n"));
}

static void live_is_about_the_processes_alone(void **folder)
{
	(void)folder;
	assert_true(judge("{" UP ", \"domains\": [{\"name\": \"b.test\"}]}", HEALTH_LIVE,
			  "ingressd and HAProxy are up\n"));
}

#define PUBLISHED "\"evidence\": {\"published_at\": \"2027-01-15T07:00:00Z\"}"

static void evidence_counts_where_it_is_asked_for(void **folder)
{
	static const char none[] = "evidence: none has been published since the start\n";
	static const char well[] = "ingressd and HAProxy are up, domains served: 1\n";

	(void)folder;
	assert_false(judge("{" UP ", \"domains\": [" GOOD "]}", HEALTH_ALL, none));
	assert_true(judge("{" UP ", \"evidence\": {\"required\": false}, \"domains\": [" GOOD "]}",
			  HEALTH_SERVED, well));
	assert_false(judge("{" UP ", \"evidence\": {\"required\": true}, \"domains\": [" GOOD "]}",
			   HEALTH_SERVED, none));
	assert_false(judge("{" UP ", \"evidence\": {\"required\": true, \"error\": \"no agent\", "
			   "\"published_at\": \"2027-01-15T07:00:00Z\"}, \"domains\": [" GOOD "]}",
			   HEALTH_SERVED, "evidence: no agent\n"));
	assert_true(judge("{" UP ", " PUBLISHED ", \"domains\": [" GOOD "]}", HEALTH_ALL, well));
}

static void all_names_what_failed_of_late_though_everything_is_served(void **folder)
{
	static const char troubled[] =
	    "{\"haproxy\": {\"pid\": 7, \"worker\": 8, \"error\": \"it ended\"}, " PUBLISHED
	    ", \"clock\": \"it is slow\", \"guest_agent\": {\"error\": \"it is away\"}, "
	    "\"key_origin\": {\"error\": \"no key\"}, \"domains\": ["
	    "{\"name\": \"b.test\", \"served\": true, \"error\": \"it said no\", "
	    "\"note\": \"a record is missing\", " CERTIFICATE "}]}";

	(void)folder;
	assert_true(
	    judge(troubled, HEALTH_SERVED, "ingressd and HAProxy are up, domains served: 1\n"));
	assert_false(judge(troubled, HEALTH_ALL,
			   "clock: it is slow\nguest agent: it is away\nhaproxy: it ended\n"
			   "keys: no key\nb.test: it said no\nb.test: a record is missing\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_served_is_healthy),
	    cmocka_unit_test(evidence_counts_where_it_is_asked_for),
	    cmocka_unit_test(all_names_what_failed_of_late_though_everything_is_served),
	    cmocka_unit_test(without_haproxy_or_its_worker_it_is_not_even_live),
	    cmocka_unit_test(while_it_starts_no_domain_is_blamed),
	    cmocka_unit_test(one_domain_is_enough_to_be_unhealthy_and_is_named_with_its_error),
	    cmocka_unit_test(an_expired_certificate_is_no_certificate),
	    cmocka_unit_test(live_is_about_the_processes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
