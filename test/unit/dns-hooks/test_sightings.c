/* What servers that show a value, lack it or cannot be asked amount to. */
#include "dns-hooks/resolve/sightings.h"

#include "test/unit/common/unit.h"

#include <stdio.h>

enum { PATIENCE = 3 };

/*
 * A letter per address, in the order of `servers`: s(een), m(issing), r(efused) and S(ilent) as
 * often as it takes to be given up, R and T the same but once only, - not asked.
 */
struct row {
	const char *name;
	const char *servers; /* a digit per address: the server's name; x: an extra one */
	const char *sights;
	bool soon, at_last;
	size_t lacking;
};

static const struct row rows[] = {
    {"all have it", "12", "ss", true, true, 0},
    {"one of two lacks it", "12", "sm", false, false, 1},
    {"one of two was not asked", "12", "s-", false, false, 1},
    {"one of two refuses", "12", "sr", true, true, 0},
    {"one of two is silent", "12", "sS", true, true, 0},
    {"one of two refused once", "12", "sR", false, true, 1},
    {"one of two was silent once", "12", "sT", false, true, 1},
    {"two of three cannot be asked", "123", "srS", false, true, 0},
    {"half of four cannot be asked", "1234", "ssrS", true, true, 0},
    {"two of three have it, one lacks it", "123", "ssm", false, false, 1},
    {"one has it, one lacks it, one is silent", "123", "smS", false, false, 1},
    {"nobody can be asked", "12", "rS", false, false, 0},
    {"a single one is silent", "1", "S", false, false, 0},
    {"a second address is silent", "11", "sS", true, true, 0},
    {"a second address refuses", "11", "sr", true, true, 0},
    {"a second address lacks it", "11", "sm", false, false, 1},
    {"many addresses are one server", "12223", "srrrr", false, true, 0},
    {"many addresses of one that has it", "1112", "sssr", true, true, 0},
    {"an extra one refused once", "1x", "sR", true, true, 0},
    {"an extra one was silent once", "1x", "sT", false, true, 1},
    {"an extra one is silent", "1x", "sS", true, true, 0},
    {"an extra one lacks it", "1x", "sm", false, false, 1},
    {"only an extra one has it", "1x", "rs", false, false, 0},
};

static void note(struct sightings *sightings, size_t at, char letter)
{
	bool is_given_up = letter == 'r' || letter == 'S';
	enum sight sight = letter == 's'		    ? SIGHT_SEEN
			   : letter == 'm'		    ? SIGHT_MISSING
			   : letter == 'r' || letter == 'R' ? SIGHT_REFUSED
							    : SIGHT_SILENT;

	for (int i = 0; letter != '-' && i < (is_given_up ? PATIENCE : 1); i++)
		sightings_note(sightings, at, sight);
}

static void set_up(const struct row *row, struct authority *authority, struct sightings *sightings)
{
	*authority = (struct authority){.count = strlen(row->servers)};
	*sightings = (struct sightings){.authority = authority, .patience = PATIENCE};
	for (size_t i = 0; i < authority->count; i++) {
		struct authority_server *server = &authority->servers[i];
		snprintf(server->name, sizeof(server->name), "ns%c.test", row->servers[i]);
		server->is_extra = row->servers[i] == 'x';
		note(sightings, i, row->sights[i]);
	}
}

static void what_suffices(void **state)
{
	static struct authority authority;
	struct sightings sightings;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		set_up(row, &authority, &sightings);
		if (sightings_suffice(&sightings, false) != row->soon ||
		    sightings_suffice(&sightings, true) != row->at_last ||
		    sightings_lacking(&sightings) != row->lacking)
			fail_msg("%s", row->name);
	}
}

static void a_server_that_answers_again_counts_again(void **state)
{
	static struct authority authority;
	const struct row row = {"", "123", "srr", false, true, 0};
	struct sightings sightings;

	(void)state;
	set_up(&row, &authority, &sightings);
	/* Nothing else is left to wait for, and one of three is not enough. */
	assert_true(sightings_is_due(&sightings, 1));
	note(&sightings, 1, 'm');
	assert_false(sightings_suffice(&sightings, true));
	assert_false(sightings_is_due(&sightings, 2));
	note(&sightings, 1, 's');
	assert_true(sightings_suffice(&sightings, false));
	assert_false(sightings_is_due(&sightings, 1));
}

static void whether_nobody_answered(void **state)
{
	static struct authority authority;
	struct sightings sightings;

	(void)state;
	set_up(&(const struct row){.servers = "12", .sights = "R-"}, &authority, &sightings);
	assert_true(sightings_are_failures(&sightings));
	set_up(&(const struct row){.servers = "12", .sights = "Sm"}, &authority, &sightings);
	assert_false(sightings_are_failures(&sightings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_suffices),
	    cmocka_unit_test(a_server_that_answers_again_counts_again),
	    cmocka_unit_test(whether_nobody_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
