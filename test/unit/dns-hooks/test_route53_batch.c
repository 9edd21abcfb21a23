/* From changes of records to batches of sets. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/route53_batch.h"

#include <stdio.h>

#define NAME "app.demo.test"

/* ---- sets and changes out of text */

static void add_set(struct route53_sets *sets, const char *type, unsigned ttl, const char *foreign,
		    const char *const *values)
{
	struct error err = ERROR_INIT;
	struct route53_set *set = NULL;

	if (sets->items == NULL)
		sets->items = calloc(8, sizeof(*sets->items));
	assert_non_null(sets->items);
	set = &sets->items[sets->count++];
	snprintf(set->type, sizeof(set->type), "%s", type);
	snprintf(set->foreign, sizeof(set->foreign), "%s", foreign);
	set->ttl = ttl;
	for (; *values != NULL; values++)
		assert_int_equal(route53_set_add_value(set, *values, &err), 0);
}

#define VALUES(...)               \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* "TYPE VALUE" or NULL on either side. */
static void add_change(struct change_list *changes, const char *before, const char *after)
{
	const char *sides[2] = {before, after};
	struct record records[2] = {0};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 2; i++) {
		char type[16];
		if (sides[i] == NULL)
			continue;
		size_t length = strcspn(sides[i], " ");
		snprintf(type, sizeof(type), "%.*s", (int)length, sides[i]);
		assert_int_equal(record_make(&records[i], NAME, record_type_parse(type), 77,
					     sides[i] + length + 1, &err),
				 0);
	}
	assert_int_equal(change_list_add(changes, before == NULL ? NULL : &records[0],
					 after == NULL ? NULL : &records[1], &err, "test"),
			 0);
	record_free(&records[0]);
	record_free(&records[1]);
}

static const char *next_element(const char *at, const char *name, char *text, size_t size)
{
	char open[64];

	snprintf(open, sizeof(open), "<%s>", name);
	at = strstr(at, open);
	if (at == NULL)
		return NULL;
	at += strlen(open);
	snprintf(text, size, "%.*s", (int)strcspn(at, "<"), at);
	return at;
}

/* The body in short: "DELETE TXT 60 a b\n" for each change. */
static void shorten(const char *body, struct buffer *into)
{
	char action[16], name[300], type[16], ttl[16], value[2048];
	const char *at = body, *end = NULL;

	buffer_init(into, 64 * 1024);
	while ((at = next_element(at, "Action", action, sizeof(action))) != NULL) {
		end = strstr(at, "</Change>");
		assert_non_null(end);
		at = next_element(at, "Name", name, sizeof(name));
		assert_string_equal(name, NAME ".");
		at = next_element(at, "Type", type, sizeof(type));
		at = next_element(at, "TTL", ttl, sizeof(ttl));
		buffer_printf(into, "%s %s %s", action, type, ttl);
		const char *inside = at;
		while ((inside = next_element(inside, "Value", value, sizeof(value))) != NULL &&
		       inside < end)
			buffer_printf(into, " %s", value);
		buffer_puts(into, "\n");
		at = end;
	}
}

static void assert_batch(const struct route53_sets *sets, const struct change_list *changes,
			 const char *wanted)
{
	struct buffer body, text;
	struct error err = ERROR_INIT;

	buffer_init(&body, ROUTE53_BODY_MAX);
	int result = route53_batch(sets, NAME, changes, &body, &err);
	shorten(buffer_text(&body), &text);
	assert_string_equal(buffer_text(&text), wanted);
	assert_int_equal(result, *wanted != '\0');
	buffer_free(&body);
	buffer_free(&text);
}

static void assert_refused(const struct route53_sets *sets, const struct change_list *changes,
			   const char *words)
{
	struct buffer body;
	struct error err = ERROR_INIT;

	buffer_init(&body, ROUTE53_BODY_MAX);
	assert_int_equal(route53_batch(sets, NAME, changes, &body, &err), -1);
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, words);
	buffer_free(&body);
}

/* ---- tests */

static void a_new_set_is_created_with_the_wanted_ttl(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};

	(void)state;
	assert_batch(&sets, &changes, "");
	add_change(&changes, NULL, "TXT a&b\"");
	add_change(&changes, NULL, "TXT c");
	assert_batch(&sets, &changes, "CREATE TXT 77 \"a&amp;b\\\"\" \"c\"\n");
}

static void values_are_added_and_removed_one_by_one(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};

	(void)state;
	add_set(&sets, "TXT", 60, "", VALUES("\"one\"", "\"t\" \"wo\"", "\"\\303\\244\""));
	add_set(&sets, "MX", 60, "", VALUES("10 mail.test."));
	add_change(&changes, "TXT two", NULL);
	add_change(&changes, NULL, "TXT three");
	/* What stays is sent back as it was read, and so is what goes. */
	assert_batch(&sets, &changes,
		     "DELETE TXT 60 \"one\" \"t\" \"wo\" \"\\303\\244\"\n"
		     "CREATE TXT 60 \"one\" \"\\303\\244\" \"three\"\n");
}

/* A removal is one of a copy: the pin has to stay. */
static void of_two_spellings_one_goes(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};

	(void)state;
	add_set(&sets, "CAA", 60, "",
		VALUES("0 issue \"ca.test; a=b\"", "0 issue \"ca.test;a=b\"", "0 issue \";\""));
	add_change(&changes, "CAA 0 issue \"ca.test; a=b\"", NULL);
	assert_batch(&sets, &changes,
		     "DELETE CAA 60 0 issue \"ca.test; a=b\" 0 issue \"ca.test;a=b\" "
		     "0 issue \";\"\n"
		     "CREATE CAA 60 0 issue \"ca.test;a=b\" 0 issue \";\"\n");
	add_change(&changes, "CAA 0 issue \"ca.test;a=b\"", NULL);
	assert_batch(&sets, &changes,
		     "DELETE CAA 60 0 issue \"ca.test; a=b\" 0 issue \"ca.test;a=b\" "
		     "0 issue \";\"\n"
		     "CREATE CAA 60 0 issue \";\"\n");
}

static void the_last_value_takes_the_set_with_it(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};

	(void)state;
	add_set(&sets, "TXT", 60, "", VALUES("\"one\""));
	add_change(&changes, "TXT one", NULL);
	assert_batch(&sets, &changes, "DELETE TXT 60 \"one\"\n");
}

static void addresses_and_cnames_take_turns_in_one_batch(void **state)
{
	AUTO_SETS struct route53_sets sets = {0}, back = {0};
	AUTO_CHANGES struct change_list changes = {0}, changes_back = {0};

	(void)state;
	add_set(&sets, "A", 60, "", VALUES("192.0.2.1", "192.0.2.2"));
	add_set(&sets, "AAAA", 60, "", VALUES("2001:DB8::0:1"));
	add_change(&changes, "A 192.0.2.1", NULL);
	add_change(&changes, "AAAA 2001:db8::1", NULL);
	add_change(&changes, "A 192.0.2.2", "CNAME gateway.test");
	assert_batch(&sets, &changes,
		     "DELETE A 60 192.0.2.1 192.0.2.2\nDELETE AAAA 60 2001:DB8::0:1\n"
		     "CREATE CNAME 77 gateway.test.\n");
	add_set(&back, "CNAME", 60, "", VALUES("Old.Test"));
	add_change(&changes_back, "CNAME old.test", "A 192.0.2.9");
	add_change(&changes_back, NULL, "CAA 0 issue \"ca.test\"");
	assert_batch(&back, &changes_back,
		     "DELETE CNAME 60 Old.Test\nCREATE A 77 192.0.2.9\n"
		     "CREATE CAA 77 0 issue \"ca.test\"\n");
}

static void an_update_keeps_the_ttl_of_the_set(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};

	(void)state;
	add_set(&sets, "CNAME", 5, "", VALUES("old.test."));
	add_change(&changes, "CNAME old.test", "CNAME new.test");
	assert_batch(&sets, &changes, "DELETE CNAME 5 old.test.\nCREATE CNAME 5 new.test.\n");
}

static void foreign_sets_are_not_replaced(void **state)
{
	AUTO_SETS struct route53_sets alias = {0}, weighted = {0};
	AUTO_CHANGES struct change_list a = {0}, cname = {0}, txt = {0};

	(void)state;
	add_change(&a, NULL, "A 192.0.2.1");
	add_change(&cname, NULL, "CNAME gateway.test");
	add_change(&txt, NULL, "TXT v");
	add_set(&alias, "A", 0, "an alias of x.elb.test.", VALUES(NULL));
	assert_refused(&alias, &a,
		       NAME " has A records that are not ours to change (an alias of "
			    "x.elb.test.), so its A record cannot be written");
	assert_refused(&alias, &cname, "so its CNAME record cannot be written");
	/* Beside it there is room. */
	assert_batch(&alias, &txt, "CREATE TXT 77 \"v\"\n");
	add_set(&weighted, "CNAME", 60, "the set \"one\" of a routing policy", VALUES("a."));
	assert_refused(&weighted, &txt, "has CNAME records that are not ours to change");
}

static void long_values_are_cut_into_strings(void **state)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_CHANGES struct change_list changes = {0};
	char value[600] = "TXT ", wanted[700];

	(void)state;
	memset(value + 4, 'x', 300);
	add_change(&changes, NULL, value);
	snprintf(wanted, sizeof(wanted), "CREATE TXT 77 \"%.255s\" \"%.45s\"\n", value + 4,
		 value + 4);
	assert_batch(&sets, &changes, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_set_is_created_with_the_wanted_ttl),
	    cmocka_unit_test(values_are_added_and_removed_one_by_one),
	    cmocka_unit_test(of_two_spellings_one_goes),
	    cmocka_unit_test(the_last_value_takes_the_set_with_it),
	    cmocka_unit_test(addresses_and_cnames_take_turns_in_one_batch),
	    cmocka_unit_test(an_update_keeps_the_ttl_of_the_set),
	    cmocka_unit_test(foreign_sets_are_not_replaced),
	    cmocka_unit_test(long_values_are_cut_into_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
