#include "common/attestation/td_report.h"

#include <stdbool.h>
#include <string.h>

/* Offsets in the body (Intel TDX DCAP Quoting Library API, appendix A.3.2). */
enum {
	TEE_TCB_SVN = 0,
	MR_SIGNER_SEAM = 64,
	SEAM_ATTRIBUTES = 112,
	TD_ATTRIBUTES = 120,
	MRTD = 136,
	RTMR0 = 328,
	REPORT_DATA = 520,
	MR_SERVICE_TD = 600,
};

void td_report_read(const struct quote *quote, struct td_report *report)
{
	const unsigned char *body = quote->body.data;

	*report = (struct td_report){
	    .tee_tcb_svn = body + TEE_TCB_SVN,
	    .mr_signer_seam = body + MR_SIGNER_SEAM,
	    .seam_attributes = body + SEAM_ATTRIBUTES,
	    .td_attributes = body + TD_ATTRIBUTES,
	    .mrtd = body + MRTD,
	    .report_data = body + REPORT_DATA,
	    .mr_service_td = quote->body_type == QUOTE_TD15 ? body + MR_SERVICE_TD : NULL,
	};
	for (size_t i = 0; i < RTMR_COUNT; i++)
		report->rtmr[i] = body + RTMR0 + i * MEASUREMENT_SIZE;
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int td_report_check_policy(const struct td_report *report, struct error *err)
{
	/* Intel TDX Module ABI, "TD attributes": bits 0 to 7 make a TD observable; 28 keeps the
	 * host from injecting exceptions; 30 (PKS), 31 (KL), 63 (PERFMON) do no harm. */
	static const unsigned char allowed[] = {0, 0, 0, 0xd0, 0, 0, 0, 0x80};
	const unsigned char *attributes = report->td_attributes;

	if (attributes[0] != 0)
		return error_set(err, EXIT_FAILED,
				 "the TD can be debugged: the host reads its memory "
				 "(TDATTRIBUTES 0x%02x)",
				 attributes[0]);
	for (size_t i = 0; i < sizeof(allowed); i++)
		if ((attributes[i] & ~allowed[i]) != 0)
			return error_set(err, EXIT_FAILED,
					 "the TD has attributes that are not known to be harmless "
					 "(byte %zu of TDATTRIBUTES is 0x%02x)",
					 i, attributes[i]);
	if ((attributes[3] & 0x10) == 0)
		return error_set(err, EXIT_FAILED,
				 "the TD lets its host inject page faults (SEPT_VE_DISABLE is not "
				 "set)");
	if (!is_zero(report->mr_signer_seam, MEASUREMENT_SIZE) ||
	    !is_zero(report->seam_attributes, SEAM_ATTRIBUTES_SIZE))
		return error_set(err, EXIT_FAILED, "the TDX module is not Intel's own");
	if (report->mr_service_td != NULL && !is_zero(report->mr_service_td, MEASUREMENT_SIZE))
		return error_set(err, EXIT_FAILED,
				 "another TD serves this one (MRSERVICETD is not zero): it may be "
				 "migrated");
	return 0;
}
