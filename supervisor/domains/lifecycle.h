/*
 * The life of a domain as a table of step x event: no processes, no clock, no files.
 *
 *   SETTLED -> RECORDS -> ACCOUNT -> CAA -> PREFLIGHT -> ISSUE -> CHECK -> INSTALL -> PUBLISH
 *      ^                                                                                 |
 *      +---------------------------- PROBE <----------- APPLY <--------------------------+
 *
 * Whatever fails is repeated after a pause; a failing PROBE goes back to APPLY, so a
 * domain is never called settled before a handshake has shown the new certificate, or to ISSUE
 * where HAProxy does not start with that certificate.
 */
#ifndef SUPERVISOR_DOMAINS_LIFECYCLE_H
#define SUPERVISOR_DOMAINS_LIFECYCLE_H

enum step {
	STEP_SETTLED,	/* nothing to do until the next check */
	STEP_RECORDS,	/* alias and TXT records are in place */
	STEP_ACCOUNT,	/* the ACME account exists, so the CAA pin can name it */
	STEP_CAA,	/* the CAA record pins CA and account */
	STEP_PREFLIGHT, /* if a certificate is due, nothing stands in the way of an order */
	STEP_ISSUE,	/* a certificate is ordered if one is due */
	STEP_CHECK,	/* what lies on the volume is fit to be served */
	STEP_INSTALL,	/* it is put where HAProxy's next configuration takes it from */
	STEP_PUBLISH,	/* the evidence names it */
	STEP_APPLY,	/* HAProxy has loaded it */
	STEP_PROBE,	/* a handshake returns it */
	STEP_COUNT
};

enum lifecycle_event {
	EVENT_WAKE,    /* the pause is over, or somebody asked */
	EVENT_DONE,    /* the step's work succeeded */
	EVENT_NOTHING, /* the step found nothing to do */
	EVENT_PASSED,  /* it failed, but what comes after it does not depend on it */
	EVENT_FAILED,
	EVENT_REFUSED, /* it failed, and only another certificate can be served */
	EVENT_RECHECK, /* certificates on the volume may have changed under us */
	EVENT_COUNT
};

enum verb {
	VERB_IGNORE, /* the event means nothing here */
	VERB_RUN,    /* start the work of the next step now */
	VERB_PAUSE,  /* wait for the back-off delay, then the next step */
	VERB_REST,   /* wait for the next regular check */
};

struct transition {
	enum step next;
	enum verb verb;
};

/* What `event` means for a domain whose current step is `step`. */
struct transition lifecycle_next(enum step step, enum lifecycle_event event);

/* "settled", "records", ...: for the status, the logs and the state file. */
const char *lifecycle_step_name(enum step step);
/* The reverse; STEP_COUNT when there is no such step. */
enum step lifecycle_step_from_name(const char *name);

#endif
