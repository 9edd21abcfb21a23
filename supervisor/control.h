/*
 * The control socket: HTTP and JSON on RUN_DIR/control.sock (0600), for ingressctl.
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
 * Failures are {"error": "sentence"}.  Requests have no body; a client that is slow or
 * sends too much is dropped.  The loop never waits for one.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include "common/error.h"
#include "supervisor/status.h"

#include <event2/event.h>

struct control;

struct control_options {
	struct event_base *base;
	const char *socket_path;
	const struct status_sources *status;
	struct domains *domains;
	struct haproxy *haproxy;
	struct dns_job *dns_job;
};

struct control *control_new(const struct control_options *options, struct error *err);
void control_free(struct control *control);

#endif
