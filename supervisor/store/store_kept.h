/*
 * Certificates that the CA has issued and the volume has not taken: it is full, say, or has become
 * read-only.  They are kept in a folder of RUN_DIR that is laid out as the volume is.  A part of
 * the certificate store.
 */
#ifndef SUPERVISOR_STORE_STORE_KEPT_H
#define SUPERVISOR_STORE_STORE_KEPT_H

#include "supervisor/store/certificate_store.h"

struct store_kept;

/* `folder` is made if need be; what an earlier run has left in it is kept on. */
struct store_kept *kept_new(const char *folder, struct error *err);
void kept_free(struct store_kept *kept);

/* The folder, for commit_lineage(). */
const char *kept_folder(const struct store_kept *kept);

/* Takes over the lineage `name` that certbot has made in `config_dir`. */
int kept_add(struct store_kept *kept, const char *name, const char *config_dir, struct error *err);
/* As store_find(); an error is as good as nothing. */
const struct lineage *kept_find(struct store_kept *kept, const char *domain);
/* As store_refuse(). */
void kept_refuse(struct store_kept *kept, const char *serial, const char *spki_sha256);
bool kept_has(const struct store_kept *kept, const char *name);
void kept_drop(struct store_kept *kept, const char *name);

#endif
