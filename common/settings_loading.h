/*
 * The state while an environment is judged, and the parts that judge it.  Private to
 * common/settings*.c.
 */
#ifndef COMMON_SETTINGS_LOADING_H
#define COMMON_SETTINGS_LOADING_H

#include "common/settings_table.h"

#include <stdbool.h>
#include <stddef.h>

/* Lines for the user, bounded: past the bound they are only counted. */
struct findings {
	struct buffer *lines;
	size_t count;
	size_t hidden;
};

struct loading {
	struct settings *settings;
	unsigned audience;
	struct findings problems;
	struct findings warnings;
	bool no_memory; /* sticky; looked at once, at the end */
	bool is_file;	/* the row being judged came from NAME_FILE */
	bool has_target;
	struct endpoint target; /* TARGET_ENDPOINT */
};

/* ---- settings_show.c */

enum {
	SETTING_SHOWN_MAX = 80,
	SETTING_SHOWN_SIZE = SETTING_SHOWN_MAX + 4,
	SETTING_HINT_SIZE = 128,
};

/* A value as it may stand in a message: at most SETTING_SHOWN_MAX bytes and "...", the bytes of
 * control characters, of other characters that cannot be seen and of what is no UTF-8 as "\xef",
 * credentials of a URL as "***". */
void settings_show(const char *text, size_t length, char out[SETTING_SHOWN_SIZE]);

/* The end of a message about a value that may have come out wrong on its way: names the first
 * character in it that cannot be seen ("; it begins with a byte order mark: remove that"), or else
 * the quotes around it.  Empty when there are neither.  Shows nothing of the value. */
void settings_hint(const char *text, size_t length, char out[SETTING_HINT_SIZE]);

/* Whether such a character is in it; whether it stands in quotes. */
bool settings_has_unseen(const char *text, size_t length);
bool settings_is_quoted(const char *text, size_t length);

/* ---- settings_report.c */

void settings_problem(struct loading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void settings_warn(struct loading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NAME is "VALUE": rule.  Returns NULL, for `return settings_wrong(...)`. */
const char *settings_wrong(struct loading *in, const struct setting *row, const char *value,
			   const char *rule, ...) __attribute__((format(printf, 4, 5)));

struct setting_item {
	const char *text;
	size_t length;
	size_t number; /* from 1 */
	size_t line;   /* from 1 */
};

/* NAME has "ITEM" (entry N): rule.  Of a file: NAME_FILE has "ITEM" (line N): rule. */
void settings_wrong_item(struct loading *in, const struct setting *row,
			 const struct setting_item *item, const char *rule, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends both lists with the number of lines that were left out. */
void settings_close_findings(struct loading *in);

/* ---- settings_list.c */

struct setting_list {
	const char *at;
	size_t count;
	size_t line_ends; /* before `at` */
};

/* The next entry of a list that is separated by commas and line ends.  Spaces around an
 * entry, empty entries, and comments (from a '#' that begins an entry or follows a space,
 * to the end of the line) are skipped.  False at the end. */
bool settings_next_item(struct setting_list *list, struct setting_item *item);

/* ---- settings_store.c */

/* A copy that lives as long as the settings; NULL when memory ran out. */
const char *settings_store_text(struct settings_store *store, const char *text, size_t length);

/* The same; sets no_memory as well. */
const char *settings_keep(struct loading *in, const char *text, size_t length);

/* Where the row's value goes: a pointer to its member of struct settings, or NULL. */
void *settings_field(struct loading *in, const struct setting *row);

/* Puts `text`, which must live as long as the settings, into the row's member. */
const char *settings_set_text(struct loading *in, const struct setting *row, const char *text);

/* An array with room for one more of `size` bytes (its capacity is a power of two); NULL
 * (and no_memory set) when memory ran out: `array` is then as it was. */
void *settings_grow(struct loading *in, void *array, size_t count, size_t size);

/* ---- settings_address.c */

/* host:port with optional scheme and path, which are dropped; port 80 when absent. */
bool settings_parse_target(const char *text, size_t length, struct endpoint *out,
			   char reason[SETTING_REASON_SIZE]);

/* ---- settings_secret.c */

/* The file may have some blanks and line ends behind it. */
enum { SETTING_SECRET_MAX = 4096, SETTING_SECRET_FILE_MAX = SETTING_SECRET_MAX + 512 };

/* Reads the secret out of `plain` or the file `path` (one of them NULL) into `value` and
 * checks its shape.  The error has the variable's name in front. */
int settings_read_secret(const char *name, const char *plain, const char *path,
			 struct buffer *value, struct error *err);

/* Warns about a secret that stands in quotes or looks like NAME=VALUE. */
void settings_doubt_secret(struct loading *in, const struct setting *row, const char *value,
			   bool is_file);

/* ---- what happens after the rows were judged one by one */

void settings_finish_domains(struct loading *in);	/* settings_domains.c */
void settings_finish_routes(struct loading *in);	/* settings_routes.c */
void settings_choose_provider(struct loading *in);	/* settings_provider.c */
void settings_check_names_together(struct loading *in); /* settings_together.c */
void settings_check_together(struct loading *in);	/* settings_together.c */
void settings_review_names(struct loading *in);		/* settings_unknown.c */

/* Reports `value` if this version refuses it (the row's not_yet). */
bool settings_refuse_not_yet(struct loading *in, const struct setting *row, const char *value);

/* ---- checks of values: settings_check.c */

setting_check settings_check_boolean, settings_check_integer, settings_check_port,
    settings_check_time, settings_check_word, settings_check_text, settings_check_key_algorithm,
    settings_check_printable, settings_check_base64, settings_check_base64url;

/* settings_check_name.c */
setting_check settings_check_email, settings_check_txt_prefix, settings_check_alpn,
    settings_check_path, settings_check_program, settings_check_ca_bundle;

/* settings_address.c */
setting_check settings_check_host, settings_check_gateway, settings_check_ipv4,
    settings_check_server, settings_check_resolvers;

/* settings_networks.c */
setting_check settings_check_networks;

/* settings_url.c */
setting_check settings_check_url, settings_check_metadata_url;

/* settings_domains.c */
setting_check settings_check_domain, settings_check_domains, settings_check_server_first,
    settings_check_evidence_routing, settings_check_adopted_keys, settings_check_send_proxy,
    settings_check_challenge_targets;

/* settings_routes.c */
setting_check settings_check_target, settings_check_routes;

/* Whether `word` is one of the words of `list`, which are separated by spaces. */
bool settings_has_word(const char *list, const char *word);

/* "true" or "false", or NULL when `value` is no boolean. */
const char *settings_boolean_word(const char *value);

/* Letters, digits and `punctuation`, nothing else. */
bool settings_consists_of(const char *text, size_t length, const char *punctuation);

/* A domain that can be served; otherwise false and a sentence part in `reason`. */
bool settings_parse_domain(const char *text, size_t length, domain_name out,
			   char reason[SETTING_REASON_SIZE]);

#endif
