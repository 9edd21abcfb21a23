/* Plans in and out of text, for the tests of planning. */
#ifndef TEST_UNIT_DNS_HOOKS_PLANNING_H
#define TEST_UNIT_DNS_HOOKS_PLANNING_H

#include "test/unit/common/unit.h"

#include "dns-hooks/plan/plan_make.h"

#define GATEWAY "gateway.test"
#define APP "abcdef01:443"
#define CA "ca.test"
#define ACCOUNT "https://ca.test/acct/2"
#define PIN "ca.test; validationmethods=dns-01; accounturi=" ACCOUNT
#define OLD_PIN "ca.test; validationmethods=dns-01; accounturi=https://ca.test/acct/1"

static inline struct plan_rules rules_of(bool cname_beside_others)
{
	return (struct plan_rules){
	    .cname_beside_others = cname_beside_others,
	    .caa_separator = "; ",
	    .record_ttl = 300,
	    .gateway = GATEWAY,
	    .txt_value = APP,
	    .ca = {.names = {CA, "alias.ca.test"}, .count = 2},
	    .account_uri = ACCOUNT,
	};
}

/* Adds the records of `lines` ("A 192.0.2.1\nTXT x"); "CNAME!" is a proxied one. */
static inline void add_records(struct record_list *list, const char *name, const char *lines)
{
	struct error err = ERROR_INIT;

	while (*lines != '\0') {
		char line[2048], *value = NULL;
		size_t length = strcspn(lines, "\n");
		struct record record;
		snprintf(line, sizeof(line), "%.*s", (int)length, lines);
		value = strchr(line, ' ');
		assert_non_null(value);
		*value++ = '\0';
		bool proxied = line[strlen(line) - 1] == '!';
		if (proxied)
			line[strlen(line) - 1] = '\0';
		enum record_type type = record_type_parse(line);
		int result = type == RECORD_OTHER
				 ? record_make_other(&record, name, line, 60, value, &err)
				 : record_make(&record, name, type, 60, value, &err);
		assert_int_equal(result, 0);
		record.proxied = proxied;
		assert_int_equal(record_list_add(list, &record, &err), 0);
		lines += length + (lines[length] == '\n');
	}
}

static inline void describe_side(struct buffer *text, const struct record *record)
{
	buffer_printf(text, "%s %s", record_type_text(record), record->value);
}

/* "+ A 192.0.2.1\n~ A x -> CNAME y\n- TXT z\n" */
static inline void describe_changes(struct buffer *text, const struct change_list *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		buffer_puts(text, change->kind == CHANGE_ADD	  ? "+ "
				  : change->kind == CHANGE_REMOVE ? "- "
								  : "~ ");
		if (change->kind != CHANGE_ADD)
			describe_side(text, &change->before);
		if (change->kind == CHANGE_UPDATE)
			buffer_puts(text, " -> ");
		if (change->kind != CHANGE_REMOVE)
			describe_side(text, &change->after);
		buffer_puts(text, "\n");
	}
}

#endif
