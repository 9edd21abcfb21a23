/*
 * The verifier: is this TDX quote what it claims to be?
 *
 * Everything is judged offline, from bytes, down to Intel's pinned root (or another one, for
 * tests).  It uses OpenSSL and cJSON, opens no file and talks to nobody.
 *
 * The steps follow one another, and a step is judged only if those that it stands on passed:
 *
 *   LAYOUT            the quote's parts nest exactly
 *   CHAIN             leaf, PCK CA, root: signed, in force, Intel's; revocation with collateral
 *   QE_SIGNATURE      the platform's certificate vouches for the quoting enclave (QE)
 *   QE_BINDING        the QE vouches for the key that signed the quote
 *   QE_IDENTITY       the QE is Intel's
 *   QUOTE_SIGNATURE   that key signed the quote
 *   TD_POLICY         no debugging, Intel's TDX module, no migration
 *   REPORT_DATA       the quote is over the bytes that are expected
 *   EVENT_LOG         the log gives the quote's registers, and says which app runs
 *   TCB               platform, TDX module and QE are up to date, by Intel's collateral
 */
#ifndef COMMON_ATTESTATION_H
#define COMMON_ATTESTATION_H

#include "common/attestation/event_log.h"
#include "common/attestation/intel_chain.h"
#include "common/attestation/tcb.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum attestation_step {
	ATTESTATION_LAYOUT,
	ATTESTATION_CHAIN,
	ATTESTATION_QE_SIGNATURE,
	ATTESTATION_QE_BINDING,
	ATTESTATION_QE_IDENTITY,
	ATTESTATION_QUOTE_SIGNATURE,
	ATTESTATION_TD_POLICY,
	ATTESTATION_REPORT_DATA,
	ATTESTATION_EVENT_LOG,
	ATTESTATION_TCB,
	ATTESTATION_STEP_COUNT
};

enum attestation_outcome { ATTESTATION_NOT_CHECKED, ATTESTATION_PASSED, ATTESTATION_FAILED };

/* What is left NULL is not checked.  All of it is the caller's, and has to last for the call. */
struct attestation_input {
	const unsigned char *quote;
	size_t quote_length;
	const struct trust_anchor *anchor;
	time_t at;			  /* the time of the judgement */
	const unsigned char *report_data; /* QUOTE_REPORT_DATA_SIZE bytes that are expected */
	const char *event_log;		  /* JSON */
	size_t event_log_length;
	const char *collateral; /* JSON, see collateral.h */
	size_t collateral_length;
	enum tcb_status worst_tcb; /* what is still accepted; TCB_UP_TO_DATE is the strictest */
};

struct attestation_finding {
	enum attestation_outcome outcome;
	char text[ERROR_TEXT_MAX]; /* why it failed or was not checked; "" when it passed */
};

/* Bytes in hex, lower case, "" where the quote could not be read. */
struct attestation_measurements {
	char mrtd[2 * MEASUREMENT_SIZE + 1];
	char rtmr[RTMR_COUNT][2 * MEASUREMENT_SIZE + 1];
	char report_data[2 * QUOTE_REPORT_DATA_SIZE + 1];
	char fmspc[2 * FMSPC_SIZE + 1]; /* "" unless CHAIN passed */
	const char *pck_ca; /* "platform" or "processor", as Intel's PCS calls it; NULL likewise */
};

struct attestation_result {
	struct attestation_finding findings[ATTESTATION_STEP_COUNT];
	struct attestation_measurements measurements;
	struct app_identity identity; /* when EVENT_LOG passed */
	struct tcb_verdict tcb;	      /* when there was collateral that could be judged by */
	bool has_tcb;
};

/* True when no step failed.  Steps that could not be judged are no failure: look at the findings
 * for those that have to have passed. */
bool attestation_verify(const struct attestation_input *input, struct attestation_result *result);

/* "quote layout", "certificate chain", ...: for messages. */
const char *attestation_step_name(enum attestation_step step);

#endif
