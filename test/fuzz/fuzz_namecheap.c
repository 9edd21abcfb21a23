/* dns-hooks: Namecheap's answers, and what becomes of a zone in them.  The first line is the HTTP
 * status, every other one a body: the pages of one listing. */
#include "dns-hooks/providers/namecheap_answer.h"
#include "dns-hooks/providers/namecheap_outcome.h"

#include "common/file.h"
#include "test/fuzz/fuzz.h"

#include <ctype.h>

#define ZONE "a.test"
#define NAME "_acme-challenge.a.test"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* ---- the form */

static int hex(char c)
{
	CHECK(isdigit((unsigned char)c) || (c >= 'A' && c <= 'F'));
	return isdigit((unsigned char)c) ? c - '0' : c - 'A' + 10;
}

/* Takes "&NAME=VALUE" off the front of the form: it has to say just that. */
static const char *expect(const char *form, const char *name, size_t number, const char *value)
{
	char digits[24] = "";

	if (number > 0)
		snprintf(digits, sizeof(digits), "%zu", number);
	CHECK(*form++ == '&');
	CHECK(strncmp(form, name, strlen(name)) == 0);
	form += strlen(name);
	CHECK(strncmp(form, digits, strlen(digits)) == 0);
	form += strlen(digits);
	CHECK(*form++ == '=');
	for (; *form != '&' && *form != '\0'; value++) {
		char c = *form++;
		if (c == '%') {
			c = (char)(hex(form[0]) * 16 + hex(form[1]));
			form += 2;
		}
		CHECK(*value != '\0' && c == *value);
	}
	CHECK(*value == '\0');
	return form;
}

/* Every host goes back as it came. */
static void check_form(const struct namecheap_zone *zone)
{
	struct error err = ERROR_INIT;
	struct buffer form;

	buffer_init(&form, NAMECHEAP_FORM_MAX);
	CHECK(namecheap_zone_form(zone, &form, &err) == 0);
	const char *at = expect(buffer_text(&form), "SLD", 0, "a");
	at = expect(at, "TLD", 0, "test");
	at = expect(at, "EmailType", 0, zone->email_type);
	for (size_t i = 0; i < zone->count; i++) {
		const struct namecheap_host *host = &zone->hosts[i];
		at = expect(at, "HostName", i + 1, host->name);
		at = expect(at, "RecordType", i + 1, host->type);
		at = expect(at, "Address", i + 1, host->address);
		if (host->mx_pref != NULL)
			at = expect(at, "MXPref", i + 1, host->mx_pref);
		at = expect(at, "TTL", i + 1, host->ttl);
	}
	CHECK(*at == '\0');
	buffer_free(&form);
}

/* ---- changes */

static void copy(struct namecheap_zone *to, const struct namecheap_zone *from)
{
	struct error err = ERROR_INIT;

	CHECK(namecheap_zone_copy(to, from, &err) == 0);
}

/* Adds our value (or takes it away); what edit() says. */
static int change(struct namecheap_zone *zone, bool add)
{
	AUTO_CHANGES struct change_list changes = {0};
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	CHECK(record_make(&record, NAME, RECORD_TXT, 60, "ours", &err) == 0);
	CHECK(change_list_add(&changes, add ? NULL : &record, add ? &record : NULL, &err, "x") ==
	      0);
	int result = namecheap_zone_edit(zone, NAME, &changes, &err);
	if (result < 0)
		fuzz_check_error(&err);
	return result;
}

/* A change touches nothing but what it is about, and what came of it is seen. */
static void check_change(struct namecheap_zone *zone)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone sent, found, back;

	copy(&sent, zone);
	copy(&back, zone);
	CHECK(namecheap_zone_same(zone, &back));
	int result = change(&sent, true);
	copy(&found, &sent);
	if (result != 0)
		return;
	CHECK(sent.count == zone->count + 1);
	namecheap_zone_pair(zone, &sent);
	for (size_t i = 0; i < zone->count; i++)
		CHECK(zone->hosts[i].is_paired);
	check_form(&sent);
	CHECK(namecheap_outcome_of(zone, &sent, &found, NAME) == NAMECHEAP_WRITTEN);
	CHECK(namecheap_outcome_of(zone, &sent, &back, NAME) == NAMECHEAP_UNTOUCHED);
	for (size_t i = 0; i < found.count; i++)
		found.hosts[i].is_ours = false;
	CHECK(change(&found, false) == 0);
	CHECK(found.count == zone->count);
}

static void check_zone(struct namecheap_zone *zone)
{
	AUTO_RECORDS struct record_list records = {0};
	struct error err = ERROR_INIT;
	bool is_readable = namecheap_zone_records(zone, NAME, &records, &err) == 0;

	CHECK(strcmp(zone->name, ZONE) == 0 && zone->count <= NAMECHEAP_HOSTS_MAX);
	for (size_t i = 0; i < zone->count; i++) {
		const struct namecheap_host *host = &zone->hosts[i];
		char text[NAMECHEAP_HOST_TEXT_MAX];
		CHECK(host->name[0] != '\0' && host->type[0] != '\0' && host->address != NULL);
		CHECK(namecheap_host_same(host, host));
		namecheap_host_text(host, text);
	}
	for (size_t i = 0; i < records.count; i++)
		CHECK(strcmp(records.items[i].name, NAME) == 0);
	if (!is_readable)
		fuzz_check_error(&err);
	if (namecheap_zone_check(zone, &err) == 0)
		check_change(zone);
	else
		fuzz_check_error(&err);
}

/* ---- answers */

static int check_domain(const char *domain, void *user, struct error *err)
{
	(void)err;
	CHECK(strlen(domain) < sizeof(domain_name));
	++*(size_t *)user;
	return 0;
}

/* Whether the listing goes on. */
static bool check_page(struct namecheap_listing *listing, const struct namecheap_answer *answer)
{
	struct error err = ERROR_INIT;
	long before = listing->seen;
	size_t domains = 0;

	if (namecheap_next_page(listing, answer, check_domain, &domains, &err) != 0) {
		fuzz_check_error(&err);
		return false;
	}
	CHECK(listing->seen == before + (long)domains && listing->seen <= listing->total);
	CHECK(domains > 0 || listing->seen == listing->total);
	return listing->seen < listing->total;
}

static bool check_success(struct namecheap_listing *listing, const struct namecheap_answer *answer)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;
	struct error err = ERROR_INIT;
	long count = -1;

	CHECK(answer->status >= 200 && answer->status < 300 && answer->number == 0);
	CHECK(!namecheap_knows_no_such_domain(answer) && !namecheap_serves_elsewhere(answer));
	if (namecheap_read_zone(answer, ZONE, &zone, &err) == 0)
		check_zone(&zone);
	else
		fuzz_check_error(&err);
	if (namecheap_read_written(answer, ZONE, &err) != 0)
		fuzz_check_error(&err);
	if (namecheap_read_host_count(answer, ZONE, &count, &err) == 0)
		CHECK(count >= 0);
	return check_page(listing, answer);
}

static bool check_answer(struct namecheap_listing *listing, long status, const char *body)
{
	struct namecheap_answer answer = {.status = status};
	struct error err = ERROR_INIT;
	bool goes_on = false;

	if (namecheap_judge(&answer, "domains.dns.getHosts", body, strlen(body), &err) == 0) {
		goes_on = check_success(listing, &answer);
	} else {
		fuzz_check_error(&err);
		CHECK(answer.response == NULL && err.code != EXIT_OK);
		CHECK(status != NAMECHEAP_STATUS_RATE_LIMIT ||
		      (err.code == EXIT_TRY_LATER && err.retry_after > 0));
	}
	namecheap_answer_free(&answer);
	CHECK(answer.xml == NULL);
	return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct namecheap_listing listing = {.total = -1};
	AUTO_FREE char *status = fuzz_line(&input);
	bool goes_on = true;

	while (goes_on) {
		AUTO_FREE char *body = fuzz_line(&input);
		goes_on = check_answer(&listing, strtol(status, NULL, 10) % 1000, body);
	}
	return 0;
}
