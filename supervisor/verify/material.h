/* What is verified: the files of one evidence generation and, if the site was asked, the
 * certificates of the handshake that they came by. */
#ifndef SUPERVISOR_VERIFY_MATERIAL_H
#define SUPERVISOR_VERIFY_MATERIAL_H

#include "common/attestation/report_data.h"
#include "common/buffer.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	/* As evidence/file_set.h has them: nothing that is published is too large to be verified.
	 */
	MATERIAL_FILE_MAX = 32 * 1024 * 1024,
	MATERIAL_FILES_MAX = SETTINGS_DOMAINS_MAX + 100,
};

struct material_file {
	char *name; /* "quote.json" */
	struct buffer content;
};

struct material {
	char host[DOMAIN_MAX + 1]; /* "" when it is not known whose evidence this is */
	char nonce[2 * NONCE_MAX +
		   1]; /* hex, that attestation.json was asked with; "": it was not */
	struct material_file *files;
	size_t count;
	struct buffer live_chain; /* PEM, leaf first; empty: nobody was dialled */
};

void material_init(struct material *material);
void material_free(struct material *material);

/* NULL when there is no such file. */
const struct buffer *material_find(const struct material *material, const char *name);

/* Adds an empty file to be filled.  NULL with err. */
struct buffer *material_add(struct material *material, const char *name, struct error *err);

/* Reads what material_save() wrote, or a copy of a site's evidence made by other means. */
int material_load(struct material *material, const char *dir, struct error *err);
/* Writes all files into `dir` (made if it is missing), beside them host.txt, nonce.txt and
 * live-chain.pem. */
int material_save(const struct material *material, const char *dir, struct error *err);

/* The certificate of `host` among the files: cert-HOST.pem, or that of the wildcard above it; NULL
 * when there is none.  Its name into `name`. */
const struct buffer *material_certificate(const struct material *material, const char *host,
					  const char **name);

#endif
