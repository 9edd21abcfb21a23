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

#include "common/buffer.h"
#include "common/error.h"
#include "evidence/guest_answer.h"

enum guest_api { GUEST_API_DSTACK, GUEST_API_TAPPD };

enum { GUEST_KEY_SIZE = 32 };

/* What guest_agent_find() and guest_agent_quote() take together at most. */
enum { GUEST_QUOTE_MAX_MS = 36 * 1000 };

enum { GUEST_ANSWER_MAX = 4 * 1024 * 1024 /* seen: 16 to 36 KB, growing with the event log */ };

struct guest_agent {
	enum guest_api api;
	const char *socket; /* the caller's string */
	/* Set by the caller if it wants: see http.h. */
	void (*connected)(void *arg);
	void *connected_arg;
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

int guest_agent_identity(const struct guest_agent *agent, struct guest_identity *identity,
			 struct error *err);

/*
 * Asks for a quote over `report_data` and appends the agent's answer (a JSON object with the
 * members quote and event_log) to `answer`, printed as json_print() does, after checking that its
 * quote is a TDX quote that carries these very bytes.
 */
int guest_agent_quote(const struct guest_agent *agent,
		      const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		      struct buffer *answer, struct error *err);

/*
 * Asks for the key of this app for `path` (letters, digits, "-./"), the same at each time and on
 * each machine that runs the app, and no other app's.  A secret: the caller cleanses it.
 * EXIT_BAD_CONFIG when the guest agent is tappd, which has none.
 */
int guest_agent_key(const struct guest_agent *agent, const char *path, const char *purpose,
		    unsigned char key[GUEST_KEY_SIZE], struct error *err);

#endif
