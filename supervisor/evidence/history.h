/*
 * Every certificate that this deployment ever had, on the certificate volume
 * (dstack-ingress/history.json), so that whoever finds one in a CT log can be told whose it is:
 *
 *   {"certificates": [{"name", "serial", "spki_sha256", "not_before", "not_after", "account",
 *                      "origin"}, ...]}        oldest first; see evidence/manifest.h
 */
#ifndef SUPERVISOR_EVIDENCE_HISTORY_H
#define SUPERVISOR_EVIDENCE_HISTORY_H

#include "common/error.h"
#include "supervisor/store/served_pair.h"

/* At twelve certificates a year for each of a thousand names it lasts for two years and more, for
 * ten thousand names for the certificate that is served and one before; then the oldest are
 * forgotten. */
enum { HISTORY_ENTRIES_MAX = 25000 };

struct history;

/* Reads what there is.  A file that cannot be understood is set aside, told, and begun anew: it
 * may not keep anything from being served. */
struct history *history_open(const char *letsencrypt_dir, struct error *err);
void history_free(struct history *history);

/* Notes that `name` is served with `pair`; `account` is the ACME account's URI or NULL.
 * `made_here`: the record of keys, which is under a MAC, has its key; this file is not under one,
 * so that what it said before does not count for a certificate that is served. */
int history_note(struct history *history, const char *name, const struct served_pair *pair,
		 const char *account, bool made_here, struct error *err);

/* To the disk, if anything changed since. */
int history_save(struct history *history, struct error *err);

/* The file open for reading, to be closed by the caller; -1 when there is none. */
int history_read_fd(const struct history *history);

#endif
