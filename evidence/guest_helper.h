/*
 * A process that asks the guest agent one question later on.
 *
 * Who asks the first one gives up root once it is connected, and may not be able to connect again.
 * So before that it starts a helper for each question that may follow.  A helper stays root, with
 * no more capabilities than it takes to become another user, until it is told its question; it
 * connects, gives up root, and only then reads the answer, which it passes on unread.
 */
#ifndef EVIDENCE_GUEST_HELPER_H
#define EVIDENCE_GUEST_HELPER_H

#include "common/error.h"
#include "common/http.h"

#include <stddef.h>
#include <sys/types.h>

struct guest_question {
	const char *path;
	const char *query; /* "?name=value" or "" */
	const char *body;  /* JSON, which makes it a POST; NULL: a GET */
	long timeout_ms;
	size_t answer_max; /* bytes */
};

/* `connected`: see http.h.  http_response_free() by the caller in any case. */
int guest_question_ask(const char *socket, const struct guest_question *question,
		       void (*connected)(void *arg), void *arg, struct http_response *response,
		       struct error *err);

struct guest_helper {
	int socket; /* -1: there is none */
	pid_t process;
};

/* Its questions go to the agent at `path`.  Where it cannot be started there is none. */
void guest_helper_start(const char *path, struct guest_helper *helper);

/* As guest_question_ask(); ends the helper. */
int guest_helper_ask(struct guest_helper *helper, const struct guest_question *question,
		     struct http_response *response, struct error *err);

/* Ends one that was told no question. */
void guest_helper_end(struct guest_helper *helper);

#endif
