/*
 * What there is to set: the rows behind settings.h, and what became of each of them.
 * Private to common/settings/ and its tests.
 */
#ifndef COMMON_SETTINGS_TABLE_H
#define COMMON_SETTINGS_TABLE_H

#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct loading;
struct setting;

/*
 * Judges `value` and keeps what it means in in->settings.  Returns the value in its plain
 * form ("yes" becomes "true"), which lives as long as the settings; or NULL after it
 * reported what is wrong.
 */
typedef const char *setting_check(struct loading *in, const struct setting *row, const char *value);

enum setting_flags {
	SETTING_SECRET = 1,   /* never shown, never kept; NAME_FILE works too */
	SETTING_RESOLVED = 2, /* children get it although it was not given */
	SETTING_NEEDED = 4,   /* its DNS provider cannot work without it */
	/* Its DNS provider can, but then without all that are marked so. */
	SETTING_TOGETHER = 32,
	SETTING_ANY_START = 8, /* may begin with a character that is no letter or digit */
	/* May be larger than the kernel lets one variable be (128 KiB): NAME_FILE works too. */
	SETTING_FROM_FILE = 16,
};

struct setting {
	const char *name;
	setting_check *check;
	size_t field;	       /* in struct settings; SETTING_NO_FIELD: judged, not kept */
	const char *fallback;  /* the default, judged like a value; NULL: none */
	const char *unset;     /* how --check describes having no value; NULL: "-" */
	const char *words;     /* check_word: the choices; check_text, check_url: more characters */
	long minimum, maximum; /* of the number, or of the length */
	unsigned audience;     /* settings_audience; ingressd sees every row */
	unsigned flags;
	const char *provider; /* the DNS provider it belongs to; NULL: none */
	const char *alias_of; /* an older name of that row */
	/* Plain values that this version refuses; "*": all but the default.  Taking a word out is
	 * all it takes to allow it. */
	const char *not_yet;
};

#define SETTING_NO_FIELD ((size_t)-1)

/* Whether NAME_FILE can stand for the variable. */
static inline bool setting_may_be_file(const struct setting *row)
{
	return (row->flags & (SETTING_SECRET | SETTING_FROM_FILE)) != 0;
}

extern const struct setting settings_table[];
extern const size_t settings_table_length;

/* What became of a row. */
struct setting_state {
	const char *given;  /* as in the environment; NULL: unset or empty */
	const char *value;  /* in effect, in plain form ("***" for a secret); NULL: none */
	const char *source; /* "environment", "default", "file PATH", ... */
	bool wrong;
};

struct kept_string;

struct settings_store {
	char *const *environment;
	struct setting_state *states; /* one per row, same order */
	struct kept_string *strings;  /* those that are not in the environment block */
	const char *domains_copy;     /* of settings_copy_domains(); NULL: none */
};

/* The value of NAME in an environment block, NULL when it is unset or empty. */
const char *settings_given(char *const *environment, const char *name);

/* By name; the name must be one of the table. */
struct setting_state *settings_state(const struct settings *settings, const char *name);

#endif
