/*
 * Evidence on disk: generations, of which one is current.
 *
 *   EVIDENCE_DIR/..gen-20261122T100000.123456789Z-5f0c.../   the files of one generation
 *   EVIDENCE_DIR/..data -> ..gen-...                         the current one
 *   EVIDENCE_DIR/quote.json -> ..data/quote.json             the names to read, one per file
 *
 * This is how Kubernetes' atomic writer lays out a volume: renaming a new symbolic link over
 * `..data` switches all names at once.  A reader who needs several files of one generation
 * opens the folder `..data` once and reads the files through it; the generation before the
 * current one is kept, so that such a reader has until the publication after next.
 *
 * A crash at any moment leaves the current generation as it was, or the new one current.
 * What it leaves behind besides is taken away by the next generation_publish().
 *
 * Others may write to the folder (shared_folder.h).  What they left where a name of ours has to
 * go is given another name, "..aside-...", and told; what is in nobody's way stays.
 */
#ifndef EVIDENCE_GENERATION_H
#define EVIDENCE_GENERATION_H

#include "common/error.h"
#include "evidence/file_set.h"
#include "evidence/shared_folder.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/*
 * Writes `set` as a new generation, every byte of it to the disk, and makes it current.
 * Plain files that bear a name in the set are replaced (an older product wrote such); other
 * files are left alone.  The caller holds the lock (publication_lock.h); without it, or with
 * others at work in the folder, generations are still whole, but this may end in
 * EXIT_TRY_LATER.  -1: nothing has changed for readers, as far as it is up to us.
 */
int generation_publish(const struct shared_folder *folder, const struct file_set *set,
		       struct error *err);

/* ---- reading */

/* One generation, read into memory. */
struct snapshot {
	bool present;
	dev_t device; /* these three tell its folder from every other */
	ino_t inode;
	struct timespec changed;
	struct file_set files;
};

/*
 * Brings `snapshot` (zeroed at first, released by file_set_free(&snapshot->files)) up to date
 * with the current generation of the open folder `dir`; reads nothing when it is that
 * already, and nothing that is not in `dir`.  Returns 1, or 0 when nothing has been published
 * yet.
 */
int generation_read(int dir, struct snapshot *snapshot, struct error *err);

#endif
