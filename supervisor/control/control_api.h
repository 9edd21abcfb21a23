/*
 * What ingressd and ingressctl say to each other over the control socket (HTTP and JSON):
 *
 *   GET  /v1/status                      200, the status object (see status.h)
 *   POST /v1/reload                      200 {"ok":true} once a new worker serves, 500 else
 *   POST /v1/renew[?domain=D][&force=1]  202 {"ok":true}; 404 unknown domain, 429 no budget
 *   POST /v1/dns/plan[?domain=D]...      202 {"job":N}; 404 unknown domain, 429 one is under way
 *   POST /v1/dns/apply[?domain=D]...     the same
 *   GET  /v1/dns?job=N[&from=BYTES]      200 {"running","output","next","more","exit_code",
 *                                        "error"}: output behind `from` (`next` of the time
 *                                        before), and whether there is more to fetch at once;
 *                                        exit_code null while it runs; 404 none of the latest
 *
 * A domain may be written in any case and with a dot at its end.  Failures are {"error":
 * "sentence"}.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_API_H
#define SUPERVISOR_CONTROL_CONTROL_API_H

#define CONTROL_PATH_STATUS "/v1/status"
#define CONTROL_PATH_RELOAD "/v1/reload"
#define CONTROL_PATH_RENEW "/v1/renew"
#define CONTROL_PATH_DNS "/v1/dns"
#define CONTROL_PATH_DNS_PLAN CONTROL_PATH_DNS "/plan"
#define CONTROL_PATH_DNS_APPLY CONTROL_PATH_DNS "/apply"

/* Parameters of requests. */
#define CONTROL_DOMAIN "domain"
#define CONTROL_FORCE "force"
#define CONTROL_JOB "job" /* of an answer as well */
#define CONTROL_FROM "from"

/* Members of answers. */
#define CONTROL_OK "ok"
#define CONTROL_ERROR "error"
#define CONTROL_RUNNING "running"
#define CONTROL_OUTPUT "output"
#define CONTROL_NEXT "next"
#define CONTROL_MORE "more"
#define CONTROL_EXIT_CODE "exit_code"

/* A member of the status object: HAProxy is yet to be started. */
#define CONTROL_STARTING "starting"

/* A member of its "evidence": REQUIRE_EVIDENCE is true. */
#define CONTROL_REQUIRED "required"

/* What the state of a domain begins with in the status object. */
#define CONTROL_STATE_SETTLED "settled"
#define CONTROL_STATE_WORKING "working"
#define CONTROL_STATE_WAITING "waiting"

enum {
	/* The longest request line that ingressd takes, with room for headers. */
	CONTROL_REQUEST_MAX = 6 * 1024,
	CONTROL_HEADERS_MAX = 8 * 1024,
	/* The status object of SETTINGS_DOMAINS_MAX domains, each with an error. */
	CONTROL_ANSWER_MAX = 32 * 1024 * 1024,
};

#endif
