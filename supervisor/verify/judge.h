/* The checks of `ingressctl verify`: material in, findings out; no network, no clock of its own. */
#ifndef SUPERVISOR_VERIFY_JUDGE_H
#define SUPERVISOR_VERIFY_JUDGE_H

#include "common/error.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/judge_options.h"
#include "supervisor/verify/material.h"

/* -1 only when the judgement itself could not be made (no memory, no trust store). */
int judge(const struct judge_options *options, const struct material *material,
	  struct findings *findings, struct attestation_result *attestation, struct error *err);

#endif
