/* Whether DNS lets anybody but the app's ACME account have certificates for a site's name. */
#ifndef SUPERVISOR_VERIFY_CAA_H
#define SUPERVISOR_VERIFY_CAA_H

#include "supervisor/verify/findings.h"
#include "supervisor/verify/material.h"

/*
 * CHECK_CAA, behind the checks of the files: the account is that of the evidence, so it counts only
 * if checksums and REPORT_DATA passed.  DNS is asked by ingress-dns, found beside this program, as
 * of now; for the name and, if the evidence has a wildcard's certificate for it, for the wildcard.
 */
void caa_judge(const struct material *material, struct findings *findings);

#endif
