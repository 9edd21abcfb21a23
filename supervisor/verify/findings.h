/*
 * What `ingressctl verify` found: a list in the order of the checks, each with what it proves, and
 * a verdict over all of them.
 */
#ifndef SUPERVISOR_VERIFY_FINDINGS_H
#define SUPERVISOR_VERIFY_FINDINGS_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* One for each line of the report; findings.c has their names and what they prove. */
enum check {
	CHECK_TLS_CHAIN,
	CHECK_LIVE_CERTIFICATE,
	CHECK_CHECKSUMS,
	CHECK_QUOTE_LAYOUT,
	CHECK_QUOTE_CHAIN,
	CHECK_QE_SIGNATURE,
	CHECK_QE_BINDING,
	CHECK_QE_IDENTITY,
	CHECK_QUOTE_SIGNATURE,
	CHECK_TD_POLICY,
	CHECK_REPORT_DATA,
	CHECK_EVENT_LOG,
	CHECK_FRESH,
	CHECK_MANIFEST,
	CHECK_APP_ID,
	CHECK_COMPOSE_HASH,
	CHECK_OS_IMAGE,
	CHECK_MEASUREMENTS,
	CHECK_TCB,
	CHECK_CAA,
	CHECK_CT,
	CHECK_COUNT
};

enum outcome { OUTCOME_NOT_CHECKED, OUTCOME_PASSED, OUTCOME_FAILED };

struct finding {
	enum outcome outcome;
	char text[ERROR_TEXT_MAX]; /* what was seen, or why not; may be "" */
};

struct findings {
	struct finding list[CHECK_COUNT];
	bool required[CHECK_COUNT]; /* not checked counts as failed */
};

/* Everything is "not checked" at first. */
void findings_init(struct findings *findings);

void findings_pass(struct findings *findings, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void findings_fail(struct findings *findings, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void findings_skip(struct findings *findings, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `text`: "all", or names of checks with commas between.  -1 with EXIT_USAGE_ERROR for a name that
 * is none. */
int findings_require(struct findings *findings, const char *text, struct error *err);

/* Nothing failed, and everything required was checked. */
bool findings_good(const struct findings *findings);

/* A table, the verdict, and what was not checked. */
void findings_print(const struct findings *findings, FILE *out);
/* {"is_valid", "reason", "checks": {name: {"outcome", "proves", "detail"}}}; NULL: no memory. */
cJSON *findings_json(const struct findings *findings);

#endif
