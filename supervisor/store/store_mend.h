/*
 * Links in live/ that do not lead to a certificate, while the archive has one: those of a backup
 * that did not keep links, of a volume that was mounted elsewhere before, or of a version of which
 * a power failure left nothing but its name.  A part of the certificate store.
 */
#ifndef SUPERVISOR_STORE_STORE_MEND_H
#define SUPERVISOR_STORE_STORE_MEND_H

/* Makes them lead to the newest version that is whole, and tells so.  A file in live/ that has
 * something in it stays as it is. */
void mend_links(const char *letsencrypt_dir);

#endif
