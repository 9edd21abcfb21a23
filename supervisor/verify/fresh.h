/* A site's answer to a question of ours: attestation.json, with a quote over the nonce that was
 * sent, so that it is no recording. */
#ifndef SUPERVISOR_VERIFY_FRESH_H
#define SUPERVISOR_VERIFY_FRESH_H

#include "common/error.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/judge_options.h"
#include "supervisor/verify/material.h"

/*
 * CHECK_FRESH, and by what the answer says CHECK_MANIFEST and CHECK_CT; `seen` is what the quote of
 * the files said: both have to come from the same app on the same machine.
 */
int fresh_judge(const struct judge_options *options, const struct material *material,
		const struct attestation_result *seen, struct findings *findings,
		struct error *err);

#endif
