/*
 * What a user expects of a site, kept in a file:
 *
 *   {"app_id": HEX, "compose_hash": HEX, "os_image_hash": HEX, "mrtd": HEX,
 *    "rtmr0": HEX, "rtmr1": HEX, "rtmr2": HEX, "tcb": "UpToDate", "require": ["tls-chain", ...]}
 *
 * Each member may be left out; a member that is not known is an error, since a pin that is spelt
 * wrong would pin nothing.
 */
#ifndef SUPERVISOR_VERIFY_POLICY_H
#define SUPERVISOR_VERIFY_POLICY_H

#include "common/attestation/attestation.h"
#include "common/error.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/pins.h"

enum { POLICY_MAX = 64 * 1024 };

/* Sets the pins that are not set yet, `worst_tcb` unless `has_tcb`, and what is required. */
int policy_read(const char *text, size_t length, struct pins *pins, enum tcb_status *worst_tcb,
		bool has_tcb, struct findings *findings, struct error *err);

/* One that the quote which was seen passes; free() by the caller, NULL with err. */
char *policy_write(const struct attestation_result *seen, struct error *err);

#endif
