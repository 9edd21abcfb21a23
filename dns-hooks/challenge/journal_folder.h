/*
 * The folders of the journal (journal.h), and whose they are.  They are the only thing on the
 * certificate volume that ingress-dns has any business with; beside them are the private keys.
 */
#ifndef DNS_HOOKS_CHALLENGE_JOURNAL_FOLDER_H
#define DNS_HOOKS_CHALLENGE_JOURNAL_FOLDER_H

#include "common/error.h"

#include <sys/types.h>

/*
 * For root, which will become `user`: makes the folders, gives them to `user` with what earlier
 * versions left in them, and makes LETSENCRYPT_DIR/dstack-ingress the working folder, since the
 * way to it is root's alone.
 */
int journal_folder_enter(const char *letsencrypt_dir, uid_t user, struct error *err);

/* The path of one of them ("dns"), relative if they were entered; made if missing (0700).  The
 * caller frees. */
char *journal_folder_open(const char *letsencrypt_dir, const char *name, struct error *err);

#endif
