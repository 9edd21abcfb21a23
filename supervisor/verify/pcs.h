/* Collateral from Intel's Provisioning Certification Service (PCS, API version 4) or a cache of it
 * (PCCS). */
#ifndef SUPERVISOR_VERIFY_PCS_H
#define SUPERVISOR_VERIFY_PCS_H

#include "common/buffer.h"
#include "common/error.h"

/*
 * Asks the server at `url` (https, a path may follow; "/sgx/certification/v4" and the like at its
 * end is left out) for what judges the platform, and puts it together as collateral.h has it.
 * Nothing of it is believed: its signatures count.  `fmspc` and `pck_ca` as attestation.h has them;
 * `ca_file` NULL: the system's trust.
 *
 * EXIT_FAILED when the server knows no such platform or answers otherwise than the API says,
 * EXIT_UNREACHABLE, EXIT_TRY_LATER; EXIT_USAGE_ERROR for the URL.
 */
int pcs_fetch(const char *url, const char *ca_file, const char *fmspc, const char *pck_ca,
	      struct buffer *collateral, struct error *err);

#endif
