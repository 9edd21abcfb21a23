/* Who the app is, asked from the guest agent by `ingress-evidence identity` and kept on
 * the certificate volume: a guest agent that is away later does not matter. */
#ifndef SUPERVISOR_EVIDENCE_IDENTITY_H
#define SUPERVISOR_EVIDENCE_IDENTITY_H

#include "common/error.h"
#include "supervisor/domains/state.h"

#include <event2/event.h>
#include <time.h>

struct jobs;
struct identity;

struct identity_options {
	struct event_base *base;
	const struct jobs *jobs;
	struct state *state;
	/* Called once, after the first answer or failure: what needs the identity may begin
	 * and will find it there if it could be had. */
	void (*first_try_over)(void *arg);
	/* Called when an answer came after failures. */
	void (*answered_late)(void *arg);
	void *arg;
};

struct identity *identity_new(const struct identity_options *options, struct error *err);
/* Asks from the loop, and again with growing pauses until the guest agent has answered. */
void identity_start(struct identity *identity);
void identity_free(struct identity *identity);

/* For the status: "" when the guest agent answered this run of the supervisor. */
const char *identity_error(const struct identity *identity);
time_t identity_failing_since(const struct identity *identity);

#endif
