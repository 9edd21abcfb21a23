/*
 * manifest.json: what the evidence says, for programs.
 *
 *   schema         "dstack-ingress/manifest/v1"
 *   generated_at   when this generation was made, RFC 3339
 *   generation     sha256 of its sha256sum.txt
 *   product        {name, version, revision}; without revision where no image says it
 *   guest_agent    {kind: "dstack" or "tappd", version}; without version where it does not tell
 *   attestation    {kind}, of which platform attestation.bin is; only where there is one
 *   app            {app_id, instance_id, compose_hash, os_image_hash}, as the event log of the
 *                  quote has them; without those that it does not tell, so empty without a quote
 *   acme           {directory, account}; account is its URI, null without one
 *   names          [{name, serial, issuer, not_before, not_after, certificate_sha256, spki_sha256,
 *                  origin}], one for each certificate that is served
 *   history        [{name, serial, not_before, not_after, spki_sha256, account, origin}], every
 *                  certificate that this deployment ever had, oldest first
 *
 * `origin` is "made here" when the key was recorded as made by this product (see key_record.h),
 * "adopted" when it came with the volume or nobody can tell.
 *
 * sha256sum.txt does not list it, since others check that file's lines: the quote of
 * attestation.json covers it (common/attestation/report_data.h).
 */
#ifndef EVIDENCE_MANIFEST_H
#define EVIDENCE_MANIFEST_H

#include "common/buffer.h"
#include "common/error.h"
#include "evidence/file_set.h"

#include <time.h>

enum { HISTORY_MAX = 32 * 1024 * 1024 }; /* as the supervisor writes it at most */

struct manifest_input {
	const struct file_set *files; /* account, certificates, sha256sum.txt, the quote */
	const char *revision;	      /* of the image's sources; "": not known */
	const char *agent_kind;	      /* guest_agent_api_name() */
	const char *agent_version;    /* "": not told */
	const char *platform_kind;    /* of attestation.bin; "": there is a quote */
	const char *directory;	      /* the ACME directory's URL; NULL: not told */
	const struct buffer *history; /* {"certificates": [...]} as the supervisor keeps it; may be
				       * empty */
	time_t now;
};

/* Appends the JSON.  What cannot be read of its sources is left out: a manifest that tells less is
 * better than no evidence. */
int manifest_write(const struct manifest_input *input, struct buffer *text, struct error *err);

#endif
