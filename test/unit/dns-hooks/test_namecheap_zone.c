/* A zone at Namecheap: what is read out of it, what may be written back, and what a change does. */
#include "test/unit/dns-hooks/namecheap_zones.h"

#include "dns-hooks/providers/namecheap_outcome.h"

/* ---- records */

static void expect_records(const struct namecheap_zone *zone, const char *name, const char *wanted)
{
	AUTO_RECORDS struct record_list records = {0};
	struct error err = ERROR_INIT;
	struct buffer text;

	buffer_init(&text, 4096);
	assert_int_equal(namecheap_zone_records(zone, name, &records, &err), 0);
	for (size_t i = 0; i < records.count; i++)
		buffer_printf(&text, "%s %u %s|", record_type_text(&records.items[i]),
			      records.items[i].ttl, records.items[i].value);
	assert_string_equal(buffer_text(&text), wanted);
	buffer_free(&text);
}

static void records_are_those_of_the_name_alone(void **state)
{
	(void)state;
	ZONE_OF(zone, HOST("@", "A", "192.0.2.1") HOST("@", "MX", "Mail.test.")
			  HOST("WWW", "CNAME", "Target.Test.") HOST("a.www", "TXT", "x")
			      HOST("*", "AAAA", "2001:DB8:0::1") HOST("t", "TXT", "&quot;qu&quot;")
				  HOST("t", "TXT", "&quot;open") HOST("t", "TXT", "a &amp; b")
				      HOST("c", "CAA", "0 issue &quot;ca.test&quot;")
					  HOST("r", "URL301", "https://x.test/?a=b&amp;c=d")
					      HOST(ZONE, "MXE", "192.0.2.5"));
	expect_records(&zone, ZONE, "A 1799 192.0.2.1|MX 1799 Mail.test.|MXE 1799 192.0.2.5|");
	expect_records(&zone, "www." ZONE, "CNAME 1799 target.test|");
	expect_records(&zone, "a.www." ZONE, "TXT 1799 x|");
	expect_records(&zone, "*." ZONE, "AAAA 1799 2001:db8::1|");
	expect_records(&zone, "t." ZONE, "TXT 1799 qu|TXT 1799 \"open|TXT 1799 a & b|");
	expect_records(&zone, "c." ZONE, "CAA 1799 0 issue \"ca.test\"|");
	expect_records(&zone, "r." ZONE, "URL301 1799 https://x.test/?a=b&c=d|");
	expect_records(&zone, "co.uk", "");
	expect_records(&zone, "w." ZONE, "");
}

static void what_is_no_value_is_somebody_elses(void **state)
{
	(void)state;
	ZONE_OF(zone, HOST("a", "A", "not an address") HOST("a", "CNAME", "a..b \xc3\xbc")
			  HOST("a", "CAA", "0 issue &quot;open") HOST("b", "TXT", "x"));
	expect_records(&zone, "b." ZONE, "TXT 1799 x|");
	expect_records(&zone, "a." ZONE,
		       "A 1799 not an address|CNAME 1799 a..b \xc3\xbc|CAA 1799 0 issue \"open|");
}

/* ---- what keeps a zone from being written */

static void expect_obstacle(const char *body, const char *words)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;
	struct error err = ERROR_INIT;

	read_good(body, &zone);
	assert_int_equal(namecheap_zone_check(&zone, &err), -1);
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, ZONE);
	assert_contains(err.text, words);
}

#define SERVED(email_type, hosts) \
	HOSTS("EmailType=\"" email_type "\" IsUsingOurDNS=\"true\"", hosts)

static void what_cannot_be_sent_back_is_named(void **state)
{
	(void)state;
	expect_obstacle(SERVED("OX", HOST("@", "MX", "mx1.privateemail.com.")), "EmailType OX");
	expect_obstacle(SERVED("GMAIL", ""), "EmailType GMAIL");
	expect_obstacle(SERVED("NEW", ""), "EmailType NEW");
	expect_obstacle(SERVED("", ""), "does not say how the zone");
	expect_obstacle(HOSTS("IsUsingOurDNS=\"true\"", ""), "does not say how the zone");
	expect_obstacle(SERVED("MX", HOST("@", "A", "192.0.2.1") HOST_WITH(
					 "home", "A", "192.0.2.2", "60", "IsDDNSEnabled=\"true\"")),
			"'home A 192.0.2.2 (TTL 60)'");
	expect_obstacle(SERVED("MX", HOST_WITH("h", "A", "192.0.2.2", "60", "IsActive=\"false\"")),
			"is not active");
	expect_obstacle(SERVED("MX", HOST_WITH("h", "A", "192.0.2.2", "60", "Weight=\"1\"")),
			"attribute Weight");
	expect_obstacle(SERVED("MX", HOST_WITH("h", "A", "192.0.2.2", "59", "")), "TTL '59'");
	expect_obstacle(SERVED("MX", HOST_WITH("h", "A", "192.0.2.2", "60001", "")), "TTL '60001'");
	expect_obstacle(SERVED("MX", HOST_WITH("h", "A", "192.0.2.2", "5m", "")), "TTL '5m'");
	expect_obstacle(SERVED("MX", "<host Name=\"h\" Type=\"A\" Address=\"192.0.2.2\"/>"),
			"has no TTL");
	expect_obstacle(
	    SERVED("MX", "<host Name=\"h\" Type=\"MX\" Address=\"m.test.\" TTL=\"60\"/>"),
	    "has no MXPref");
	expect_obstacle(SERVED("MX", HOST("h", "A", "")), "has no value");
}

static void what_can_be_sent_back_is_no_obstacle(void **state)
{
	static const char *const bodies[] = {
	    SERVED("NONE", HOST("x", "FUTURE", "1 2 3")),
	    SERVED("FWD", HOST_WITH("x", "A", "192.0.2.1", "60000", "Flag=\"\" Odd=\"false\"")),
	    SERVED("MXE", HOST(ZONE, "MXE", "192.0.2.1")),
	    SERVED("MX", "<host Name=\"h\" Type=\"A\" Address=\"192.0.2.2\" TTL=\"60\"/>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;
		struct error err = ERROR_INIT;
		read_good(bodies[i], &zone);
		assert_int_equal(namecheap_zone_check(&zone, &err), 0);
	}
}

/* ---- changes */

static void make(struct record *record, const char *name, const char *type, const char *value)
{
	struct error err = ERROR_INIT;

	assert_int_equal(record_make(record, name, record_type_parse(type), 300, value, &err), 0);
}

/* One change at NAME: from or to a record "TYPE VALUE" (NULL: none). */
static int edit(struct namecheap_zone *zone, const char *name, const char *const before[2],
		const char *const after[2], struct error *err)
{
	AUTO_CHANGES struct change_list changes = {0};
	AUTO_RECORD struct record old = {0}, new = {0};

	if (before != NULL)
		make(&old, name, before[0], before[1]);
	if (after != NULL)
		make(&new, name, after[0], after[1]);
	assert_int_equal(change_list_add(&changes, before == NULL ? NULL : &old,
					 after == NULL ? NULL : &new, err, "test"),
			 0);
	return namecheap_zone_edit(zone, name, &changes, err);
}

#define RECORD(type, value)    \
	(const char *const[2]) \
	{                      \
		type, value    \
	}

static void expect_form(const struct namecheap_zone *zone, const char *wanted)
{
	struct error err = ERROR_INIT;
	struct buffer form;

	buffer_init(&form, NAMECHEAP_FORM_MAX);
	assert_int_equal(namecheap_zone_form(zone, &form, &err), 0);
	assert_string_equal(buffer_text(&form), wanted);
	buffer_free(&form);
}

#define HEAD "&SLD=example&TLD=co.uk&EmailType=MX"
#define MX_FORM "&HostName1=%40&RecordType1=MX&Address1=mail.test.&MXPref1=10&TTL1=1799"

static void the_form_has_everything(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(zone, HOST("@", "MX", "mail.test.")
			  HOST("t", "TXT", "v=spf1 a+b &amp; &quot;c&quot;=&#xe9;%")
			      HOST("x", "FUTURE", "1 2"));
	assert_int_equal(edit(&zone, "_acme-challenge." ZONE, NULL, RECORD("TXT", "v-1_2"), &err),
			 0);
	expect_form(&zone, HEAD MX_FORM
		    "&HostName2=t&RecordType2=TXT"
		    "&Address2=v%3Dspf1%20a%2Bb%20%26%20%22c%22%3D%C3%A9%25&MXPref2=10&TTL2=1799"
		    "&HostName3=x&RecordType3=FUTURE&Address3=1%202&MXPref3=10&TTL3=1799"
		    "&HostName4=_acme-challenge&RecordType4=TXT&Address4=v-1_2&MXPref4=10&TTL4="
		    "300");
}

static void hosts_are_added_changed_and_removed(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(zone, HOST("@", "MX", "mail.test.") HOST("app", "CNAME", "old.test."));
	assert_int_equal(
	    edit(&zone, "app." ZONE, RECORD("CNAME", "old.test"), RECORD("CNAME", "gw.test"), &err),
	    0);
	expect_form(&zone, HEAD MX_FORM "&HostName2=app&RecordType2=CNAME&Address2=gw.test."
					"&MXPref2=10&TTL2=300");
	ZONE_OF(other, HOST("@", "MX", "mail.test.") HOST("app", "A", "192.0.2.1")
			   HOST("app", "A", "192.0.2.2"));
	assert_int_equal(edit(&other, "app." ZONE, RECORD("A", "192.0.2.1"), NULL, &err), 0);
	expect_form(&other, HEAD MX_FORM "&HostName2=app&RecordType2=A&Address2=192.0.2.2"
					 "&MXPref2=10&TTL2=1799");
	assert_int_equal(edit(&other, ZONE, NULL, RECORD("CAA", "0 issue \"ca.test;a=b\""), &err),
			 0);
	assert_int_equal(edit(&other, ZONE, RECORD("CAA", "0 issue \"gone.test\""), NULL, &err), 1);
	/* What was made in the same change is not what was read. */
	assert_int_equal(edit(&other, ZONE, RECORD("CAA", "0 issue \"ca.test;a=b\""), NULL, &err),
			 1);
}

static void of_two_that_are_alike_the_very_one_goes(void **state)
{
	AUTO_RECORDS struct record_list records = {0};
	AUTO_CHANGES struct change_list changes = {0};
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(zone, HOST("t", "TXT", "&quot;x&quot;") HOST("t", "TXT", "x"));
	free(zone.hosts[1].id);
	zone.hosts[1].id = strdup("2");
	assert_int_equal(namecheap_zone_records(&zone, "t." ZONE, &records, &err), 0);
	assert_int_equal(change_list_add(&changes, &records.items[1], NULL, &err, "test"), 0);
	assert_int_equal(namecheap_zone_edit(&zone, "t." ZONE, &changes, &err), 0);
	assert_int_equal(zone.count, 1);
	assert_string_equal(zone.hosts[0].address, "\"x\"");
}

static void what_is_not_served_is_refused(void **state)
{
	static const struct {
		const char *name;
		const char *after[2];
		const char *words;
	} cases[] = {
	    {"app." ZONE, {"CNAME", "_.gw.test"}, "does not serve it"},
	    {"app." ZONE, {"CNAME", "_.gw.test"}, "APP_ID-PORT.gw.test"},
	    {"txt." ZONE, {"CNAME", "gw.test"}, "cannot stand beside"},
	    {"www." ZONE, {"TXT", "x"}, "cannot stand beside"},
	    {ZONE, {"CNAME", "gw.test"}, "cannot stand beside"},
	    {ZONE, {"A", "192.0.2.1"}, "'@ URL http://x.test/ (TTL 1799)'"},
	    {"app." ZONE, {"TXT", "a \"b\""}, "double quotes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		ZONE_OF(zone, HOST("@", "URL", "http://x.test/") HOST("www", "CNAME", "x.test.")
				  HOST("txt", "TXT", "x"));
		assert_int_equal(edit(&zone, cases[i].name, NULL, cases[i].after, &err), -1);
		assert_int_equal(err.code, EXIT_FAILED);
		assert_contains(err.text, cases[i].words);
	}
}

static void what_others_did_is_no_reason_to_refuse(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(zone, HOST("a", "CNAME", "_.x.test.") HOST("a", "TXT", "beside it")
			  HOST("b", "TXT", "ours"));
	assert_int_equal(edit(&zone, "b." ZONE, RECORD("TXT", "ours"), NULL, &err), 0);
	assert_int_equal(edit(&zone, "a." ZONE, RECORD("TXT", "beside it"), NULL, &err), 0);
	assert_int_equal(zone.count, 1);
}

static void ttls_are_brought_into_range(void **state)
{
	AUTO_CHANGES struct change_list changes = {0};
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(zone, "");
	for (unsigned ttl = 1; ttl < 1000000; ttl *= 1000) {
		AUTO_RECORD struct record record = {0};
		assert_int_equal(record_make(&record, ZONE, RECORD_TXT, ttl, "x", &err), 0);
		assert_int_equal(change_list_add(&changes, NULL, &record, &err, "test"), 0);
	}
	changes.items[1].after.ttl = 100000;
	assert_int_equal(namecheap_zone_edit(&zone, ZONE, &changes, &err), 0);
	assert_string_equal(zone.hosts[0].ttl, "60");
	assert_string_equal(zone.hosts[1].ttl, "60000");
}

/* ---- comparing */

static void expect_same(const char *left, const char *right, bool is_same)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone a, b;

	read_good(left, &a);
	read_good(right, &b);
	assert_int_equal(namecheap_zone_same(&a, &b), is_same);
	assert_int_equal(namecheap_zone_same(&b, &a), is_same);
}

#define MX(hosts) SERVED("MX", hosts)

static void zones_compare_as_multisets(void **state)
{
	(void)state;
	expect_same(MX(HOST("a", "A", "192.0.2.1") HOST("b", "TXT", "x")),
		    MX(HOST("b", "TXT", "x") HOST("a", "A", "192.0.2.1")), true);
	expect_same(MX(HOST("a", "TXT", "x") HOST("a", "TXT", "x")), MX(HOST("a", "TXT", "x")),
		    false);
	expect_same(MX(HOST("a", "TXT", "x") HOST("a", "TXT", "x") HOST("a", "TXT", "y")),
		    MX(HOST("a", "TXT", "x") HOST("a", "TXT", "y") HOST("a", "TXT", "y")), false);
	expect_same(MX(""), SERVED("NONE", ""), false);
	expect_same(MX(""), MX(""), true);
}

static void hosts_compare_by_what_they_mean(void **state)
{
	static const struct {
		const char *left, *right;
		bool is_same;
	} cases[] = {
	    {MX(HOST("WWW", "cname", "A.test.")), MX(HOST("www", "CNAME", "a.test")), true},
	    {MX(HOST("a", "MX", "m.test.")), MX(HOST("a", "MX", "m.test")), true},
	    {MX(HOST("a", "TXT", "m.test.")), MX(HOST("a", "TXT", "m.test")), false},
	    {MX(HOST("a", "TXT", "X")), MX(HOST("a", "TXT", "x")), false},
	    {MX(HOST("a", "TXT", "&quot;x&quot;")), MX(HOST("a", "TXT", "x")), false},
	    {MX(HOST("a", "URL", "http://x/")), MX(HOST("a", "URL", "http://x")), false},
	    {MX(HOST("a", "FUTURE", "x.")), MX(HOST("a", "FUTURE", "x")), false},
	    {MX(HOST("a", "A", "192.0.2.1")), MX(HOST("a", "AAAA", "192.0.2.1")), false},
	    {MX(HOST("a", "AAAA", "2001:db8::0:1")), MX(HOST("a", "AAAA", "2001:DB8::1")), true},
	    {MX(HOST("a", "CAA", "0 issue &quot;x; a=b&quot;")),
	     MX(HOST("a", "CAA", "0 issue &quot;x;a=b&quot;")), true},
	    {MX(HOST_WITH("a", "A", "1.2.3.4", "1799", "")),
	     MX(HOST_WITH("a", "A", "1.2.3.4", "1800", "")), true},
	    {MX(HOST_WITH("a", "A", "1.2.3.4", "1799", "")),
	     MX(HOST_WITH("a", "A", "1.2.3.4", "1798", "")), false},
	    {MX(HOST_WITH("a", "A", "1.2.3.4", "60", "IsDDNSEnabled=\"true\"")),
	     MX(HOST_WITH("a", "A", "1.2.3.4", "60", "")), false},
	    {MX("<host Name=\"a\" Type=\"A\" Address=\"1.2.3.4\" TTL=\"60\" MXPref=\"0\"/>"),
	     MX("<host Name=\"a\" Type=\"A\" Address=\"1.2.3.4\" TTL=\"60\"/>"), true},
	    {MX("<host Name=\"a\" Type=\"MX\" Address=\"m.\" TTL=\"60\" MXPref=\"0\"/>"),
	     MX("<host Name=\"a\" Type=\"MX\" Address=\"m.\" TTL=\"60\" MXPref=\"10\"/>"), false},
	    {MX("<host Name=\"a\" Type=\"NEW\" Address=\"m.\" TTL=\"60\" MXPref=\"0\"/>"),
	     MX("<host Name=\"a\" Type=\"NEW\" Address=\"m.\" TTL=\"60\"/>"), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_same(cases[i].left, cases[i].right, cases[i].is_same);
}

/* ---- what became of a write */

#define FOREIGN HOST("@", "MX", "mail.test.") HOST("www", "A", "192.0.2.1")
#define OLD HOST("t", "TXT", "old")
#define NEW HOST_WITH("t", "TXT", "new", "300", "")

static void what_became_of_a_write(void **state)
{
	static const struct {
		const char *found;
		enum namecheap_outcome outcome;
	} cases[] = {
	    {MX(FOREIGN NEW), NAMECHEAP_WRITTEN},
	    {MX(NEW FOREIGN HOST("more", "A", "192.0.2.9")), NAMECHEAP_WRITTEN},
	    {MX(FOREIGN NEW HOST("t", "TXT", "theirs")), NAMECHEAP_WRITTEN},
	    {MX(FOREIGN OLD), NAMECHEAP_UNTOUCHED},
	    {MX(FOREIGN OLD HOST("more", "A", "192.0.2.9")), NAMECHEAP_OVERTAKEN},
	    {MX(FOREIGN OLD NEW), NAMECHEAP_OVERTAKEN},
	    {MX(FOREIGN), NAMECHEAP_OVERTAKEN},
	    {MX(HOST("www", "A", "192.0.2.1") NEW), NAMECHEAP_DAMAGED},
	    {MX(HOST("@", "MX", "mail.test.") HOST("www", "A", "192.0.2.2") NEW),
	     NAMECHEAP_DAMAGED},
	    {MX(""), NAMECHEAP_DAMAGED},
	    {SERVED("NONE", FOREIGN NEW), NAMECHEAP_DAMAGED},
	    {SERVED("NONE", FOREIGN OLD), NAMECHEAP_DAMAGED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_NAMECHEAP_ZONE struct namecheap_zone sent = {0}, found;
		struct error err = ERROR_INIT;
		ZONE_OF(before, FOREIGN OLD);
		assert_int_equal(namecheap_zone_copy(&sent, &before, &err), 0);
		assert_int_equal(
		    edit(&sent, "t." ZONE, RECORD("TXT", "old"), RECORD("TXT", "new"), &err), 0);
		read_good(cases[i].found, &found);
		assert_int_equal(namecheap_outcome_of(&before, &sent, &found, "t." ZONE),
				 cases[i].outcome);
	}
}

static void damage_is_told(void **state)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone found;
	struct error err = ERROR_INIT;

	(void)state;
	ZONE_OF(sent, FOREIGN OLD);
	read_good(SERVED("NONE", OLD), &found);
	namecheap_zone_pair(&sent, &found);
	assert_int_equal(namecheap_tell_damage(&sent, &found, "t." ZONE, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_contains(err.text, "2 records of the zone " ZONE);
	assert_contains(err.text, "'@ MX mail.test. (MXPref 10, TTL 1799)'");
	assert_contains(err.text, "EmailType is NONE instead of MX");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_those_of_the_name_alone),
	    cmocka_unit_test(what_is_no_value_is_somebody_elses),
	    cmocka_unit_test(what_cannot_be_sent_back_is_named),
	    cmocka_unit_test(what_can_be_sent_back_is_no_obstacle),
	    cmocka_unit_test(the_form_has_everything),
	    cmocka_unit_test(hosts_are_added_changed_and_removed),
	    cmocka_unit_test(of_two_that_are_alike_the_very_one_goes),
	    cmocka_unit_test(what_is_not_served_is_refused),
	    cmocka_unit_test(what_others_did_is_no_reason_to_refuse),
	    cmocka_unit_test(ttls_are_brought_into_range),
	    cmocka_unit_test(zones_compare_as_multisets),
	    cmocka_unit_test(hosts_compare_by_what_they_mean),
	    cmocka_unit_test(what_became_of_a_write),
	    cmocka_unit_test(damage_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
