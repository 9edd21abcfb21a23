/* The certificate by which a site answered: whether clients may trust it at all, and whether the
 * evidence is about it. */
#ifndef SUPERVISOR_VERIFY_SITE_CERTIFICATE_H
#define SUPERVISOR_VERIFY_SITE_CERTIFICATE_H

#include "common/error.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/material.h"

#include <stdbool.h>
#include <time.h>

/* Fills the findings CHECK_TLS_CHAIN and CHECK_LIVE_CERTIFICATE.  -1 when no trust store can be
 * had. */
int site_certificate_judge(const struct material *material, const char *ca_file, time_t at,
			   struct findings *findings, struct error *err);

/* Whether the evidence names the certificate that answered. */
bool site_certificate_is_published(const struct material *material);

#endif
