/* The body of a TDX quote: what the TDX module says about the trust domain (TD). */
#ifndef COMMON_ATTESTATION_TD_REPORT_H
#define COMMON_ATTESTATION_TD_REPORT_H

#include "common/attestation/quote.h"
#include "common/error.h"

enum { MEASUREMENT_SIZE = 48, RTMR_COUNT = 4, TEE_TCB_SVN_SIZE = 16, SEAM_ATTRIBUTES_SIZE = 8 };

/* Bytes within the quote. */
struct td_report {
	const unsigned char *tee_tcb_svn; /* versions of TDX module and SEAM loader */
	const unsigned char *mr_signer_seam, *seam_attributes;
	const unsigned char *td_attributes;
	const unsigned char *mrtd;
	const unsigned char *rtmr[RTMR_COUNT];
	const unsigned char *report_data;
	const unsigned char *mr_service_td; /* NULL in TDX 1.0 */
};

void td_report_read(const struct quote *quote, struct td_report *report);

/* No debugging, no migration, Intel's own module, and page faults that the host cannot inject. */
int td_report_check_policy(const struct td_report *report, struct error *err);

#endif
