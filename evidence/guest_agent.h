/*
 * The guest agent of a dstack virtual machine: HTTP with JSON over a unix socket.
 *
 * Two generations of it are in use.  dstack 0.5 and later listens on dstack.sock
 * (`GET /Info`, `GET /GetQuote?report_data=HEX`); older ones on tappd.sock
 * (`GET /prpc/Tappd.Info`, `GET /prpc/Tappd.RawQuote?report_data=HEX`).  Callers need not
 * care which one answers.
 *
 * Errors: EXIT_UNREACHABLE when nobody listens, EXIT_TRY_LATER when the agent is slow or
 * busy, EXIT_FAILED for an answer that makes no sense.
 */
#ifndef EVIDENCE_GUEST_AGENT_H
#define EVIDENCE_GUEST_AGENT_H

#include "common/error.h"
#include "evidence/guest_answer.h"
#include "evidence/guest_helper.h"

enum guest_api { GUEST_API_DSTACK, GUEST_API_TAPPD };

enum { GUEST_KEY_SIZE = 32 };

enum {
	GUEST_FIND_MAX_MS = 6 * 1000,	    /* what guest_agent_find() takes at most */
	GUEST_ANSWER_MAX = 4 * 1024 * 1024, /* seen: 16 to 36 KB, growing with the event log */
	GUEST_HELPERS_MAX = 3,
	GUEST_VERSION_HELPERS = 2, /* for what guest_agent_version() asks at most */
};

/* Zeroed but for what guest_agent_find() fills in. */
struct guest_agent {
	enum guest_api api;
	const char *socket; /* the caller's string */
	/* Set by the caller if it wants: see http.h. */
	void (*connected)(void *arg);
	void *connected_arg;
	/* For the questions behind the first (guest_helper.h): the caller says how many. */
	unsigned helpers_wanted;
	unsigned helper_count;
	struct guest_helper helpers[GUEST_HELPERS_MAX];
};

/*
 * Takes the path that is a socket.  If both are, takes the first whose agent says which app this
 * is, and if neither does, the first: its trouble is told when it is asked.  The path that is
 * passed over is logged.  EXIT_UNREACHABLE, with what stands at either path, when neither is a
 * socket.
 */
int guest_agent_find(const char *dstack_socket, const char *tappd_socket, struct guest_agent *agent,
		     struct error *err);

/* "dstack" or "tappd" */
const char *guest_agent_api_name(const struct guest_agent *agent);

/* Ends the helpers that are left. */
void guest_agent_close(struct guest_agent *agent);

/* Its answer, whatever it is; http_response_free() by the caller in any case. */
int guest_agent_ask(struct guest_agent *agent, const struct guest_question *question,
		    struct http_response *response, struct error *err);

int guest_agent_identity(struct guest_agent *agent, struct guest_identity *identity,
			 struct error *err);

/* "" where the agent does not tell, as older ones and tappd. */
void guest_agent_version(struct guest_agent *agent, char version[GUEST_VERSION_MAX + 1]);

/*
 * Asks for the key of this app for `path` (letters, digits, "-./"), the same at each time and on
 * each machine that runs the app, and no other app's.  A secret: the caller cleanses it.
 * EXIT_BAD_CONFIG when the guest agent is tappd, which has none.
 */
int guest_agent_key(struct guest_agent *agent, const char *path, const char *purpose,
		    unsigned char key[GUEST_KEY_SIZE], struct error *err);

#endif
