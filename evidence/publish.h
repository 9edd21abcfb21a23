/*
 * Makes one evidence generation:
 *
 *   acme-account.json    the ACME account (when there is one)
 *   cert-{domain}.pem    the certificate chain of each domain, the name as configured
 *   sha256sum.txt        the digests of all files above
 *   manifest.json        what all of it says, for programs (see manifest.h)
 *   quote.json           the guest agent's quote, REPORTDATA = sha256(sha256sum.txt) || 32 zeros
 *
 * On a machine that is no TDX guest, in the place of the last one (see guest_proof.h):
 *
 *   attestation.bin      an attestation in dstack's own format, over the same 64 bytes
 *   attestation.json     the guest agent's answer that had it
 */
#ifndef EVIDENCE_PUBLISH_H
#define EVIDENCE_PUBLISH_H

#include "common/domain.h"
#include "common/error.h"

#include <stddef.h>

struct publish_cert {
	domain_name domain;
	const char *chain_path;
};

struct publish_request {
	const char *evidence_dir;
	const char *run_dir; /* where the lock is */
	const char *dstack_socket, *tappd_socket;
	const char *account_path; /* certbot's regr.json; NULL: no account exists yet */
	const char *directory;	  /* the ACME directory's URL, for the manifest; NULL: not told */
	int history_fd;		  /* the supervisor's history.json, open; -1: none.  Taken over */
	const struct publish_cert *certs;
	size_t cert_count;
};

/* Nothing changes for readers unless everything succeeds.  Asks for a new quote even if the
 * files are those of the current generation.  Error codes as guest_agent.h has them, and
 * EXIT_TRY_LATER while another publication holds the lock. */
int publish(const struct publish_request *request, struct error *err);

#endif
