/* Keeps publications apart. */
#ifndef EVIDENCE_PUBLICATION_LOCK_H
#define EVIDENCE_PUBLICATION_LOCK_H

#include "common/error.h"

/*
 * Takes the lock, a file in `run_dir`: nobody but us can hold it, as everybody who may open the
 * evidence for reading could hold one there.  Returns a file descriptor; closing it, or dying,
 * lets go of the lock.  Another holder is waited for, at most `wait_seconds`; then
 * EXIT_TRY_LATER.
 */
int publication_lock(const char *run_dir, unsigned wait_seconds, struct error *err);

#endif
