/* The lineages on the volume, kept in memory: what of their certificates is asked for, and what
 * their files looked like when they were read.  A part of the certificate store. */
#ifndef SUPERVISOR_STORE_STORE_LINEAGES_H
#define SUPERVISOR_STORE_STORE_LINEAGES_H

#include "supervisor/store/certificate_store.h"
#include "supervisor/store/lineage_entry.h"

struct store_lineages;

/* Those of LETSENCRYPT_DIR/live, or those of LETSENCRYPT_DIR/lego/certificates. */
struct store_lineages *lineages_new(const char *letsencrypt_dir, enum entry_layout layout,
				    struct error *err);
void lineages_free(struct store_lineages *lineages);

/* As store_refresh() and store_find(). */
int lineages_refresh(struct store_lineages *lineages, struct error *err);
int lineages_find(struct store_lineages *lineages, const char *domain, const struct lineage **found,
		  struct error *err);

/* As store_stand_in(); NULL: there is none. */
const struct lineage *lineages_stand_in(struct store_lineages *lineages, const char *domain,
					time_t now);

/* As store_refuse(). */
void lineages_refuse(struct store_lineages *lineages, const char *serial, const char *spki_sha256);

/* The lineage `name` has just been written: whatever was found of it before is looked at again. */
void lineages_wrote(struct store_lineages *lineages, const char *name);

/* Whether there is a lineage `name` whose certificate cannot be read. */
bool lineages_is_unreadable(const struct store_lineages *lineages, const char *name);

#endif
