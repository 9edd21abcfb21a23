/* A site's manifest.json (see evidence/manifest.h for what is in it), as its clients read it. */
#ifndef SUPERVISOR_VERIFY_MANIFEST_H
#define SUPERVISOR_VERIFY_MANIFEST_H

#include "common/buffer.h"
#include "common/error.h"
#include "supervisor/verify/findings.h"

#include <cjson/cJSON.h>
#include <stddef.h>

enum { CT_LIST_MAX = 64 * 1024 * 1024 };

/* The manifest's JSON; cJSON_Delete() by the caller, NULL with err. */
cJSON *manifest_parse(const char *text, size_t length, struct error *err);

/* CHECK_MANIFEST: `host` stands in it with the certificate whose leaf is the first of `chain_pem`.
 */
void manifest_judge_certificate(const cJSON *manifest, const char *host,
				const struct buffer *chain_pem, struct findings *findings);

/*
 * CHECK_CT: each certificate for `host` in a list of a CT log's (crt.sh's JSON: serial_number,
 * common_name, name_value, issuer_name, not_before) stands in the manifest's history.  -1 when the
 * list cannot be read.
 */
int manifest_judge_ct(const cJSON *manifest, const char *host, const struct buffer *list,
		      struct findings *findings, struct error *err);

#endif
