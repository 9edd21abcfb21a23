/*
 * What this instance put into DNS and has to take out again, in LETSENCRYPT_DIR:
 *
 *   dstack-ingress/dns/HASH.json          one challenge value, noted before it is added and
 *                                         forgotten after it is deleted
 *   dstack-ingress/dns-served/HASH.json   until when caches may hold the values of one
 *                                         challenge name that are gone
 *   dstack-ingress/dns-written/HASH.json  when a zone was last written to, and when a value at a
 *                                         name was last replaced
 *
 * A crash at any moment leaves a note too many, never one too few.
 */
#ifndef DNS_HOOKS_CHALLENGE_JOURNAL_H
#define DNS_HOOKS_CHALLENGE_JOURNAL_H

#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CHALLENGE_VALUE_MAX = 256,
	JOURNAL_PROVIDER_MAX = 32,
	JOURNAL_NOTES_MAX = 10000,
};

struct journal {
	char *notes_dir;
	char *served_dir;
	char *written_dir;
};

struct challenge_note {
	domain_name domain; /* whose challenge it is: the base, without "*." */
	char value[CHALLENGE_VALUE_MAX];
	domain_name name; /* where the value stands */
	domain_name zone;
	char provider[JOURNAL_PROVIDER_MAX];
	unsigned ttl; /* seconds */
};

/* Makes the folders (0700). */
int journal_open(struct journal *journal, const char *letsencrypt_dir, struct error *err);
void journal_close(struct journal *journal);

/*
 * Waits for the turn of this process to write to DNS; a descriptor whose closing ends the
 * turn (so does the end of the process).  -1 with EXIT_TRY_LATER when another one keeps it
 * for too long.
 */
int journal_lock(const struct journal *journal, struct error *err);

int journal_note(const struct journal *journal, const struct challenge_note *note,
		 struct error *err);
/* 1 and the note, 0 when there is none, -1. */
int journal_find(const struct journal *journal, const char *domain, const char *value,
		 struct challenge_note *note, struct error *err);
int journal_forget(const struct journal *journal, const struct challenge_note *note,
		   struct error *err);

/* Every note, in no order; `notes` is free()d by the caller.  Files that cannot be read are
 * logged, counted in `unreadable` and left where they are. */
int journal_list(const struct journal *journal, struct challenge_note **notes, size_t *count,
		 size_t *unreadable, struct error *err);

/* Remembers that a value with `ttl` is gone from `name` as of now. */
int journal_note_gone(const struct journal *journal, const char *name, unsigned ttl,
		      struct error *err);
/* For how many seconds caches may still hold what is gone from `name`; 0: no longer. */
unsigned journal_seconds_cached(const struct journal *journal, const char *name);

/* Remembers that writing to a zone has worked, or no longer does. */
void journal_note_write(const struct journal *journal, const char *provider, const char *zone,
			bool has_worked);
/* Whether it has worked within the last hour, and not failed since. */
bool journal_was_written(const struct journal *journal, const char *provider, const char *zone);
/* Remembers that a value of somebody else's at `name` was replaced. */
void journal_note_replaced(const struct journal *journal, const char *name, const char *value);
/* Whether it was within the last day: then it has come back. */
bool journal_was_replaced(const struct journal *journal, const char *name, const char *value);
/* Forgets all of them: at a new start the credentials may be other ones. */
int journal_forget_writes(const struct journal *journal, struct error *err);

#endif
