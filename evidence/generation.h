/*
 * Evidence on disk: generations, of which one is current.
 *
 *   EVIDENCE_DIR/..gen-20261122T100000.123456789Z-42/   the files of one generation
 *   EVIDENCE_DIR/..data -> ..gen-...                    the current one
 *   EVIDENCE_DIR/quote.json -> ..data/quote.json        the names to read, one per file
 *
 * This is how Kubernetes' atomic writer lays out a volume: renaming a new symbolic link over
 * `..data` switches all names at once.  A reader who needs several files of one generation
 * opens the folder `..data` once and reads the files through it; the generation before the
 * current one is kept, so that such a reader has until the publication after next.
 *
 * A crash at any moment leaves the current generation as it was, or the new one current.
 * What it leaves behind besides is taken away by the next generation_publish().
 */
#ifndef EVIDENCE_GENERATION_H
#define EVIDENCE_GENERATION_H

#include "common/error.h"
#include "evidence/bundle.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#define GENERATION_LINK "..data"

/*
 * Makes the folder if it is missing and takes the lock that keeps publications apart
 * (flock() on the folder itself).  Returns a file descriptor; closing it, or dying, lets go
 * of the lock.  Another holder is waited for, at most `wait_seconds`; then EXIT_TRY_LATER.
 */
int generation_lock(const char *dir, unsigned wait_seconds, struct error *err);

/*
 * Writes `bundle` as a new generation, every byte of it to the disk, and makes it current.
 * The caller holds the lock.  Plain files that bear a name of the bundle are replaced; other
 * files are left alone.  -1: nothing has changed for readers.
 */
int generation_publish(const char *dir, const struct bundle *bundle, struct error *err);

/* ---- reading */

/* One generation, read into memory. */
struct snapshot {
	bool present;
	dev_t device; /* these three tell its folder from every other */
	ino_t inode;
	struct timespec changed;
	struct bundle files;
};

/*
 * Brings `snapshot` (zeroed at first, released by bundle_free(&snapshot->files)) up to date
 * with the current generation of the open folder `dir`; reads nothing when it is that
 * already.  Returns 1, or 0 when nothing has been published yet.
 */
int generation_read(int dir, struct snapshot *snapshot, struct error *err);

#endif
