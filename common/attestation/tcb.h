/*
 * How up to date a platform is: its versions (TCB) held against Intel's collateral (Intel PCS API
 * v4, "TCB Info V3", "Enclave Identity V2"; algorithm of Intel's Quote Verification Library).
 */
#ifndef COMMON_ATTESTATION_TCB_H
#define COMMON_ATTESTATION_TCB_H

#include "common/attestation/collateral.h"
#include "common/attestation/pck_extension.h"
#include "common/attestation/quote_signature.h"
#include "common/attestation/td_report.h"
#include "common/error.h"

#include <stddef.h>

/* From good to bad. */
enum tcb_status {
	TCB_UP_TO_DATE,
	TCB_SW_HARDENING_NEEDED,
	TCB_CONFIGURATION_NEEDED,
	TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	TCB_REVOKED,
	TCB_STATUS_COUNT
};

/* Intel's word: "UpToDate", ... */
const char *tcb_status_name(enum tcb_status status);
/* The reverse; TCB_STATUS_COUNT when there is no such word. */
enum tcb_status tcb_status_from_name(const char *name);

enum { TCB_ADVISORIES_MAX = 64, TCB_ADVISORY_SIZE = 24 };

struct tcb_verdict {
	enum tcb_status status; /* the worst of platform, TDX module and QE */
	size_t advisory_count;	/* Intel's security advisories that apply: "INTEL-SA-00837" */
	char advisories[TCB_ADVISORIES_MAX][TCB_ADVISORY_SIZE];
};

/* What a quote says of the versions that it was made with. */
struct tcb_evidence {
	const struct pck_platform *platform;
	const struct td_report *td;
	const struct quote_signature *signature;
};

/* `collateral` is verified already.  -1 when it is for other platforms, no level matches, or the
 * status is Revoked: there is no status to speak of then, but `verdict` holds "Revoked". */
int tcb_judge(const struct collateral *collateral, const struct tcb_evidence *evidence,
	      struct tcb_verdict *verdict, struct error *err);

#endif
