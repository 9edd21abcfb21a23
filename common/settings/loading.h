/*
 * The state while an environment is judged, and what the parts that judge it share.  Private to
 * common/settings/.
 */
#ifndef COMMON_SETTINGS_LOADING_H
#define COMMON_SETTINGS_LOADING_H

#include "common/settings/table.h"

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

/* ---- store.c */

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

/* ---- report.c */

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

/* ---- secret.c */

/* The file may have some blanks and line ends behind it. */
enum { SETTING_SECRET_MAX = 4096, SETTING_SECRET_FILE_MAX = SETTING_SECRET_MAX + 512 };

/* Reads the secret out of `plain` or the file `path` (one of them NULL) into `value` and
 * checks its shape.  The error has the variable's name in front. */
int settings_read_secret(const char *name, const char *plain, const char *path,
			 struct buffer *value, struct error *err);

/* The path of a secret's file as it may stand in a message; "***" where it may be the secret. */
void settings_show_secret_path(const char *path, char out[SETTING_SHOWN_SIZE]);

/* Warns about a secret that stands in quotes or looks like NAME=VALUE. */
void settings_doubt_secret(struct loading *in, const struct setting *row, const char *value,
			   bool is_file);

/* ---- what happens after the rows were judged one by one */

void settings_finish_domains(struct loading *in);	/* domains.c */
void settings_finish_routes(struct loading *in);	/* routes.c */
void settings_choose_provider(struct loading *in);	/* rules.c */
void settings_check_names_together(struct loading *in); /* rules.c */
void settings_check_together(struct loading *in);	/* rules.c */
void settings_check_setup(struct loading *in);		/* setup.c */
void settings_review_names(struct loading *in);		/* unknown.c */

#endif
