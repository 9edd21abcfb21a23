#include "supervisor/domains/lifecycle.h"

#include <string.h>

#define RUN(step)                     \
	{                             \
		STEP_##step, VERB_RUN \
	}
#define PAUSE(step)                     \
	{                               \
		STEP_##step, VERB_PAUSE \
	}
#define REST                            \
	{                               \
		STEP_SETTLED, VERB_REST \
	}
#define IGNORE(step)                     \
	{                                \
		STEP_##step, VERB_IGNORE \
	}

/*
 * EVENT_RECHECK is ignored while certbot may be writing (ISSUE) or a check is already on
 * its way (CHECK and behind): the running pass will see the same files.
 *
 * A pause before ISSUE ends at RECORDS: it may have been begun by an earlier run or by CHECK,
 * without an account in hand, and an order is spent in vain while the CAA record is wrong.  So
 * does one before PREFLIGHT: what it found may be a record of ours that somebody has changed.
 *
 * PREFLIGHT and ISSUE are gone past with a certificate that the volume has not taken: it is
 * served all the same.
 *
 * A certificate that CHECK or HAProxy refuses was just issued or lies there broken: only ordering
 * another one helps, hence back to ISSUE.  Evidence that cannot be published (the guest
 * agent is away) must not keep a renewed certificate from being served: PUBLISH goes on
 * to APPLY either way and the publication retries by itself.
 */
/* clang-format off */
static const struct transition table[STEP_COUNT][EVENT_COUNT] = {
    /*                   WAKE           DONE              NOTHING           PASSED             FAILED             REFUSED            RECHECK */
    [STEP_SETTLED]   = {RUN(RECORDS),  IGNORE(SETTLED),  IGNORE(SETTLED),  IGNORE(SETTLED),   IGNORE(SETTLED),   IGNORE(SETTLED),   RUN(CHECK)},
    [STEP_RECORDS]   = {RUN(RECORDS),  RUN(ACCOUNT),     RUN(ACCOUNT),     RUN(ACCOUNT),      PAUSE(RECORDS),    PAUSE(RECORDS),    RUN(CHECK)},
    [STEP_ACCOUNT]   = {RUN(ACCOUNT),  RUN(CAA),         RUN(CAA),         PAUSE(ACCOUNT),    PAUSE(ACCOUNT),    PAUSE(ACCOUNT),    RUN(CHECK)},
    [STEP_CAA]       = {RUN(CAA),      RUN(PREFLIGHT),   RUN(PREFLIGHT),   RUN(PREFLIGHT),    PAUSE(CAA),        PAUSE(CAA),        RUN(CHECK)},
    [STEP_PREFLIGHT] = {RUN(RECORDS),  RUN(ISSUE),       RUN(CHECK),       RUN(CHECK),        PAUSE(PREFLIGHT),  PAUSE(PREFLIGHT),  RUN(CHECK)},
    [STEP_ISSUE]     = {RUN(RECORDS),  RUN(CHECK),       RUN(CHECK),       RUN(CHECK),        PAUSE(ISSUE),      PAUSE(ISSUE),      RUN(CHECK)},
    [STEP_CHECK]     = {RUN(CHECK),    RUN(INSTALL),     RUN(PROBE),       PAUSE(ISSUE),      PAUSE(ISSUE),      PAUSE(ISSUE),      IGNORE(CHECK)},
    [STEP_INSTALL]   = {RUN(INSTALL),  RUN(PUBLISH),     RUN(PROBE),       PAUSE(INSTALL),    PAUSE(INSTALL),    PAUSE(INSTALL),    IGNORE(INSTALL)},
    [STEP_PUBLISH]   = {RUN(PUBLISH),  RUN(APPLY),       RUN(APPLY),       RUN(APPLY),        RUN(APPLY),        RUN(APPLY),        IGNORE(PUBLISH)},
    [STEP_APPLY]     = {RUN(APPLY),    RUN(PROBE),       RUN(PROBE),       PAUSE(APPLY),      PAUSE(APPLY),      PAUSE(APPLY),      IGNORE(APPLY)},
    [STEP_PROBE]     = {RUN(PROBE),    REST,             REST,             PAUSE(APPLY),      PAUSE(APPLY),      PAUSE(ISSUE),      IGNORE(PROBE)},
};
/* clang-format on */

static const char *const names[STEP_COUNT] = {
    [STEP_SETTLED] = "settled", [STEP_RECORDS] = "records",	[STEP_ACCOUNT] = "account",
    [STEP_CAA] = "caa",		[STEP_PREFLIGHT] = "preflight", [STEP_ISSUE] = "issue",
    [STEP_CHECK] = "check",	[STEP_INSTALL] = "install",	[STEP_PUBLISH] = "publish",
    [STEP_APPLY] = "apply",	[STEP_PROBE] = "probe",
};

struct transition lifecycle_next(enum step step, enum lifecycle_event event)
{
	return table[step][event];
}

const char *lifecycle_step_name(enum step step)
{
	return names[step];
}

enum step lifecycle_step_from_name(const char *name)
{
	for (int step = 0; step < STEP_COUNT; step++)
		if (strcmp(names[step], name) == 0)
			return (enum step)step;
	return STEP_COUNT;
}
