/*
 * Putting onto the volume what certbot has made elsewhere, so that certbot's own layout is whole
 * at any time.  A part of the certificate store.
 *
 * A renewal is done as certbot does one: the links before are noted (previous_KIND.pem), the next
 * version is written into the archive, the links in live/ are swapped one by one, the notes go.
 * As long as all notes are there certbot itself goes back to the links before; commit_recover()
 * goes on to the new version if it is whole.
 *
 * A new lineage is made under hidden names (.commit-NAME), which certbot does not look at; once it
 * is on the disk it gets its own names, archive/ first.  That rename decides: before it
 * commit_recover() takes the rest away, after it, it ends the work.
 */
#ifndef SUPERVISOR_STORE_STORE_COMMIT_H
#define SUPERVISOR_STORE_STORE_COMMIT_H

#include "common/error.h"

/* As store_commit(). */
int commit_lineage(const char *letsencrypt_dir, const char *name, const char *config_dir,
		   struct error *err);

/* Ends or takes back what a killed commit (ours, or an update of links of plain certbot's) has
 * left. */
int commit_recover(const char *letsencrypt_dir, struct error *err);

#endif
