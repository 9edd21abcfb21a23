/*
 * The control socket, RUN_DIR/control.sock (0600), for ingressctl; control_api.h has what is said
 * there.  Requests have no body; a client that is slow or sends too much is dropped.  The loop
 * never waits for one.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_H
#define SUPERVISOR_CONTROL_CONTROL_H

#include "common/error.h"
#include "supervisor/control/status.h"

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
