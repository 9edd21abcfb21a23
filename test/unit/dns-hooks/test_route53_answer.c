/* Route 53's answers, good, odd and broken. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/route53_answer.h"
#include "dns-hooks/providers/route53_text.h"

#include <stdio.h>

#define NAME "app.demo.test"
#define SETS(inside, tail)                                                                         \
	"<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">" \
	"<ResourceRecordSets>" inside "</ResourceRecordSets>" tail                                 \
	"</ListResourceRecordSetsResponse>"
#define SET(name, inside) "<ResourceRecordSet><Name>" name "</Name>" inside "</ResourceRecordSet>"
#define VALUE(value) "<ResourceRecord><Value>" value "</Value></ResourceRecord>"
#define PLAIN(type, ttl, values) \
	"<Type>" type "</Type><TTL>" ttl "</TTL><ResourceRecords>" values "</ResourceRecords>"
#define LAST "<IsTruncated>false</IsTruncated>"
#define MORE(name, inside) \
	"<IsTruncated>true</IsTruncated><NextRecordName>" name "</NextRecordName>" inside

static int take_sets(const char *text, struct route53_sets *sets, struct route53_position *next,
		     struct error *err)
{
	AUTO_XML struct xml *xml = xml_parse(text, strlen(text), "test", err);

	assert_non_null(xml);
	return route53_take_sets(xml, NAME, sets, next, err);
}

/* The records of one page that is the last, as "TYPE TTL VALUE\n". */
static void read_records(const char *text, struct buffer *into)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_RECORDS struct record_list records = {0};
	struct route53_position next;
	struct error err = ERROR_INIT;

	buffer_init(into, 64 * 1024);
	assert_int_equal(take_sets(text, &sets, &next, &err), 0);
	assert_int_equal(route53_records(&sets, NAME, &records, &err), 0);
	for (size_t i = 0; i < records.count; i++) {
		assert_string_equal(records.items[i].name, NAME);
		buffer_printf(into, "%s %u %s\n", record_type_text(&records.items[i]),
			      records.items[i].ttl, records.items[i].value);
	}
}

static void records_are_read_in_their_normal_form(void **state)
{
	struct buffer text;

	(void)state;
	read_records(
	    SETS(SET("App.Demo.Test.", PLAIN("A", "60", VALUE("192.0.2.1") VALUE("192.0.2.2")))
		     SET(NAME ".", PLAIN("CAA", "60", VALUE("0 issue \"ca.test\"")))
			 SET(NAME ".", PLAIN("CNAME", "0", VALUE("\\052.Gateway.Test.")))
			     SET(NAME ".", PLAIN("MX", "60", VALUE("10 mail.test.")))
				 SET(NAME ".", PLAIN("TXT", "300",
						     VALUE("\"a\\\"b\" \"\\303\\244\\007\\\\\"")))
				     SET("b.demo.test.", "<Type>A</Type><Odd/>"),
		 LAST),
	    &text);
	assert_string_equal(buffer_text(&text), "A 60 192.0.2.1\nA 60 192.0.2.2\n"
						"CAA 60 0 issue \"ca.test\"\n"
						"CNAME 0 *.gateway.test\nMX 60 10 mail.test.\n"
						"TXT 300 a\"b\xc3\xa4\\007\\\n");
	buffer_free(&text);
}

static void what_is_more_than_plain_is_foreign(void **state)
{
	struct buffer text;

	(void)state;
	read_records(
	    SETS(SET(NAME ".", "<Type>A</Type><ResourceRecords/><AliasTarget><HostedZoneId>Z"
			       "</HostedZoneId><DNSName>x.elb.test.</DNSName></AliasTarget>")
		     SET(NAME ".", "<Type>TXT</Type><SetIdentifier>one</SetIdentifier><Weight>1"
				   "</Weight><TTL>60</TTL><ResourceRecords>" VALUE(
				       "\"a\"") "</ResourceRecords>")
			 SET(NAME ".", "<SetIdentifier>two</SetIdentifier><Weight>1</Weight>" PLAIN(
					   "TXT", "60", VALUE("\"b\"")))
			     SET(NAME ".", "<HealthCheckId>h</HealthCheckId>" PLAIN("AAAA", "60",
										    VALUE("::1"))),
		 LAST),
	    &text);
	assert_string_equal(buffer_text(&text), "A 0 an alias of x.elb.test.\n"
						"TXT 0 the set \"one\" of a routing policy\n"
						"TXT 0 the set \"two\" of a routing policy\n"
						"AAAA 0 a set with HealthCheckId\n");
	buffer_free(&text);
}

/* ---- pages */

static void a_listing_ends_behind_the_name(void **state)
{
	static const struct {
		const char *text;
		int result;
		size_t count;
	} cases[] = {
	    {SETS("", LAST), 0, 0},
	    {SETS(SET("b.demo.test.", ""), MORE("c.demo.test.", "")), 0, 0},
	    {SETS(SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.1"))), LAST), 0, 1},
	    {SETS(SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.1"))), MORE("b.demo.test.", "")), 0,
	     1},
	    {SETS(SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.1"))),
		  MORE(NAME ".", "<NextRecordType>TXT</NextRecordType>")),
	     1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_SETS struct route53_sets sets = {0};
		struct route53_position next = {"", "", ""};
		struct error err = ERROR_INIT;
		assert_int_equal(take_sets(cases[i].text, &sets, &next, &err), cases[i].result);
		assert_int_equal(sets.count, cases[i].count);
		if (cases[i].result == 1)
			assert_string_equal(next.type, "TXT");
	}
}

static void pages_that_make_no_sense(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
	    {"<ListHostedZonesByNameResponse/>", "no ListResourceRecordSetsResponse"},
	    {SETS("", ""), "IsTruncated"},
	    {SETS("", "<IsTruncated>maybe</IsTruncated>"), "IsTruncated"},
	    {"<ListResourceRecordSetsResponse>" LAST "</ListResourceRecordSetsResponse>",
	     "ResourceRecordSets"},
	    {SETS(SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.1"))),
		  "<IsTruncated>true</IsTruncated>"),
	     "where it goes on"},
	    {SETS("<ResourceRecordSet><Type>A</Type></ResourceRecordSet>", LAST), "no name"},
	    {SETS(SET(NAME ".", "<TTL>1</TTL>"), LAST), "no usable type"},
	    {SETS(SET(NAME ".", PLAIN("ATYPEWITHAVERYVERYLONGNAME", "1", VALUE("x"))), LAST),
	     "no usable type"},
	    {SETS(SET(NAME ".", PLAIN("A", "", VALUE("192.0.2.1"))), LAST), "no usable TTL"},
	    {SETS(SET(NAME ".", PLAIN("A", "-1", VALUE("192.0.2.1"))), LAST), "no usable TTL"},
	    {SETS(SET(NAME ".", PLAIN("A", "2147483648", VALUE("x"))), LAST), "no usable TTL"},
	    {SETS(SET(NAME ".", PLAIN("A", "1x", VALUE("x"))), LAST), "no usable TTL"},
	    {SETS(SET(NAME ".",
		      "<Type>A</Type><ResourceRecords>" VALUE("192.0.2.1") "</ResourceRecords>"),
		  LAST),
	     "no usable TTL"},
	    {SETS(SET(NAME ".", PLAIN("A", "1", "")), LAST), "no value"},
	    {SETS(SET(NAME ".", PLAIN("A", "1", "<ResourceRecord/>")), LAST), "no usable value"},
	    {SETS(SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.1")))
		      SET(NAME ".", PLAIN("A", "1", VALUE("192.0.2.2"))),
		  LAST),
	     "came twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_SETS struct route53_sets sets = {0};
		struct route53_position next;
		struct error err = ERROR_INIT;
		assert_int_equal(take_sets(cases[i].text, &sets, &next, &err), -1);
		assert_contains(err.text, cases[i].words);
	}
}

static void a_value_that_is_none_is_somebody_elses(void **state)
{
	static const char *const types[] = {"A", "AAAA", "CNAME", "CAA", "NS"};
	static const char odd[] = "192.0.2 \\377 \xf0\x9f\x8c\x8d \"";
	static char value[70000];
	struct error err = ERROR_INIT;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	for (size_t i = 0; i < 2 * sizeof(types) / sizeof(types[0]); i++) {
		AUTO_SETS struct route53_sets sets = {.items = calloc(1, sizeof(*sets.items)),
						      .count = 1};
		AUTO_RECORDS struct record_list records = {0};
		const char *type = types[i / 2];
		snprintf(sets.items->type, sizeof(sets.items->type), "%s", type);
		const char *text = i % 2 == 0 ? odd : value;
		assert_int_equal(route53_set_add_value(sets.items, text, &err), 0);
		assert_int_equal(route53_records(&sets, NAME, &records, &err), 0);
		assert_int_equal(records.count, 1);
		assert_string_equal(record_type_text(&records.items[0]), type);
		assert_string_equal(records.items[0].value, text);
	}
}

static void a_text_that_is_none_is_somebody_elses(void **state)
{
	static const char text[] = SETS(SET(NAME ".", PLAIN("TXT", "1", VALUE("\"open"))), LAST);
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_RECORDS struct record_list records = {0};
	struct route53_position next;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(take_sets(text, &sets, &next, &err), 0);
	assert_int_equal(route53_records(&sets, NAME, &records, &err), 0);
	assert_int_equal(records.count, 1);
	assert_int_equal(records.items[0].type, RECORD_OTHER);
	assert_string_equal(records.items[0].value, "\"open");
}

static void sets_are_compared_in_every_respect(void **state)
{
#define A_SET(ttl, values) SETS(SET(NAME ".", PLAIN("A", ttl, values)), LAST)
	static const char *const texts[] = {
	    A_SET("1", VALUE("192.0.2.1")),
	    A_SET("2", VALUE("192.0.2.1")),
	    A_SET("1", VALUE("192.0.2.2")),
	    A_SET("1", VALUE("192.0.2.1") VALUE("192.0.2.2")),
	    SETS("", LAST),
	    SETS(SET(NAME ".",
		     "<SetIdentifier>x</SetIdentifier>" PLAIN("A", "1", VALUE("192.0.2.1"))),
		 LAST)};
	struct route53_position next;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 6; j++) {
			AUTO_SETS struct route53_sets a = {0}, b = {0};
			take_sets(texts[i], &a, &next, &err);
			take_sets(texts[j], &b, &next, &err);
			assert_int_equal(route53_sets_same(&a, &b), i == j);
		}
}

/* ---- zones */

#define ZONES(inside, tail)                                                         \
	"<ListHostedZonesByNameResponse><HostedZones>" inside "</HostedZones>" tail \
	"</ListHostedZonesByNameResponse>"
#define ZONE(id, name, private)                              \
	"<HostedZone><Id>/hostedzone/" id "</Id><Name>" name \
	"</Name><Config><PrivateZone>" private "</PrivateZone></Config></HostedZone>"

static int take_zones(const char *text, struct route53_zones *zones, struct route53_position *next,
		      struct error *err)
{
	AUTO_XML struct xml *xml = xml_parse(text, strlen(text), "test", err);

	assert_non_null(xml);
	*zones = (struct route53_zones){0};
	return route53_take_zones(xml, "demo.test", zones, next, err);
}

static void zones_of_the_name_are_counted(void **state)
{
	struct route53_zones zones;
	struct route53_position next;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
	    take_zones(ZONES(ZONE("ZP", "demo.test.", "true")
				 ZONE("Z1", "Demo.test.",
				      "false") "<HostedZone><Id>Z2</Id><Name>demo.test.</Name>"
					       "</HostedZone>" ZONE("Z3", "x.demo.test.", "false"),
			     "<IsTruncated>true</IsTruncated>"),
		       &zones, &next, &err),
	    0);
	assert_int_equal(zones.public_count, 2);
	assert_int_equal(zones.private_count, 1);
	assert_string_equal(zones.ids[0], "Z1");
	assert_string_equal(zones.ids[1], "Z2");
	assert_int_equal(take_zones(ZONES(ZONE("Z1", "demo.test.", "false"),
					  "<IsTruncated>true</IsTruncated><NextDNSName>demo.test."
					  "</NextDNSName><NextHostedZoneId>Z9</NextHostedZoneId>"),
				    &zones, &next, &err),
			 1);
	assert_string_equal(next.identifier, "Z9");
	assert_int_equal(
	    take_zones(ZONES(ZONE("Z3", "x.test.", "false"), LAST), &zones, &next, &err), 0);
	assert_int_equal(zones.public_count, 0);
	/* It becomes part of a path. */
	assert_int_equal(
	    take_zones(ZONES(ZONE("Z1?x", "demo.test.", "false"), LAST), &zones, &next, &err), -1);
	assert_contains(err.text, "no usable id");
}

#define GET_ZONE(servers)                                                         \
	"<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id></HostedZone>" \
	"<DelegationSet><NameServers>" servers "</NameServers></DelegationSet>"   \
	"</GetHostedZoneResponse>"
#define SERVER(name) "<NameServer>" name "</NameServer>"

static int is_served(const char *text, struct error *err)
{
	static const domain_name servers[] = {"ns1.elsewhere.test", "ns-7.awsdns-07.com"};
	AUTO_XML struct xml *xml = xml_parse(text, strlen(text), "test", err);

	assert_non_null(xml);
	return route53_is_served_by(xml, servers, 2, err);
}

static void a_zone_is_known_by_its_delegation_set(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
	    is_served(GET_ZONE(SERVER("ns-1.awsdns-01.org") SERVER("NS-7.awsdns-07.com.")), &err),
	    1);
	assert_int_equal(is_served(GET_ZONE(SERVER("ns-1.awsdns-01.org")), &err), 0);
	assert_int_equal(is_served(GET_ZONE(SERVER("")), &err), 0);
	assert_int_equal(is_served(GET_ZONE(""), &err), -1);
	assert_contains(err.text, "which name servers the zone has");
	assert_int_equal(is_served("<GetHostedZoneResponse/>", &err), -1);
}

/* ---- changes */

static void changes_are_pending_or_in_sync(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool in_sync;
	} cases[] = {
	    {"<R><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status></ChangeInfo></R>", 0,
	     false},
	    {"<R><ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status></ChangeInfo></R>", 0, true},
	    {"<R><ChangeInfo><Id>/change/C1</Id><Status>FINE</Status></ChangeInfo></R>", -1, false},
	    {"<R><ChangeInfo><Status>INSYNC</Status></ChangeInfo></R>", -1, true},
	    {"<R><ChangeInfo><Id>/change/../x.</Id><Status>INSYNC</Status></ChangeInfo></R>", -1,
	     true},
	    {"<R/>", -1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char id[ROUTE53_CHANGE_ID_MAX];
		bool in_sync = false;
		struct error err = ERROR_INIT;
		AUTO_XML struct xml *xml =
		    xml_parse(cases[i].text, strlen(cases[i].text), "test", &err);
		assert_int_equal(route53_change_info(xml, id, &in_sync, &err), cases[i].result);
		assert_int_equal(in_sync, cases[i].in_sync);
		if (cases[i].result == 0)
			assert_string_equal(id, "C1");
	}
}

/* ---- text */

static void names_lose_their_escapes(void **state)
{
	char longest[1200] = "";
	domain_name name;

	(void)state;
	assert_int_equal(route53_name("\\052.Demo.TEST.", name), 0);
	assert_string_equal(name, "*.demo.test");
	assert_int_equal(route53_name("a\\056b\\134c\\344\\05", name), 0);
	assert_string_equal(name, "a\\056b\\134c\\344\\05");
	for (size_t i = 0; i < 270; i++)
		snprintf(longest + 4 * i, 5, "\\052");
	assert_int_equal(route53_name(longest, name), -1);
	longest[4 * 200] = '\0';
	assert_int_equal(route53_name(longest, name), 0);
	assert_int_equal(strlen(name), 200);
}

static void text_survives_both_ways(void **state)
{
	static const char *const values[] = {"", "plain", "a\"b\\c", "\xc3\xa4", "<&>"};
	char longest[600];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < 6; i++) {
		const char *value = i < 5 ? values[i] : longest;
		struct buffer written, back;
		buffer_init(&written, 4096);
		buffer_init(&back, 4096);
		assert_int_equal(route53_write_txt(value, &written), 0);
		for (const char *c = buffer_text(&written); *c != '\0'; c++)
			assert_in_range(*c, ' ', '~');
		assert_int_equal(route53_read_txt(buffer_text(&written), &back), 0);
		assert_string_equal(buffer_text(&back), value);
		buffer_free(&written);
		buffer_free(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_read_in_their_normal_form),
	    cmocka_unit_test(what_is_more_than_plain_is_foreign),
	    cmocka_unit_test(a_listing_ends_behind_the_name),
	    cmocka_unit_test(pages_that_make_no_sense),
	    cmocka_unit_test(a_value_that_is_none_is_somebody_elses),
	    cmocka_unit_test(a_text_that_is_none_is_somebody_elses),
	    cmocka_unit_test(sets_are_compared_in_every_respect),
	    cmocka_unit_test(zones_of_the_name_are_counted),
	    cmocka_unit_test(a_zone_is_known_by_its_delegation_set),
	    cmocka_unit_test(changes_are_pending_or_in_sync),
	    cmocka_unit_test(names_lose_their_escapes),
	    cmocka_unit_test(text_survives_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
