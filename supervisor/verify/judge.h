/* The checks of `ingressctl verify`: material in, findings out; no network, no clock of its own. */
#ifndef SUPERVISOR_VERIFY_JUDGE_H
#define SUPERVISOR_VERIFY_JUDGE_H

#include "common/attestation/attestation.h"
#include "common/error.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/material.h"
#include "supervisor/verify/pins.h"

#include <time.h>

struct judge_options {
	struct trust_anchor anchor;
	time_t at;
	const char *ca_file;		 /* trust for the site's certificate; NULL: the system's */
	const struct buffer *collateral; /* NULL: none */
	const struct buffer *ct_list;	 /* of a CT log, see manifest.h; NULL: none */
	enum tcb_status worst_tcb;
	struct pins pins;
	bool bare_quote; /* only a quote is there: nothing says what it has to be over */
};

/* -1 only when the judgement itself could not be made (no memory, no trust store). */
int judge(const struct judge_options *options, const struct material *material,
	  struct findings *findings, struct attestation_result *attestation, struct error *err);

#endif
