/* What is served: requests for /evidences/ answered from the current generation. */
#ifndef EVIDENCE_SITE_H
#define EVIDENCE_SITE_H

#include "evidence/generation.h"

#include <event2/http.h>

struct site {
	int folder; /* EVIDENCE_DIR, open */
	struct snapshot snapshot;
};

/*
 * Sends the answer to one request: all of it from one generation.
 *
 * GET and HEAD of /evidences, /evidences/ (the index) and /evidences/NAME.  The path is
 * percent-decoded once and NAME is compared with the names of the generation; it never
 * becomes part of a file's path.  Errors are JSON: {"error": "sentence"}.
 */
void site_answer(struct site *site, struct evhttp_request *request);

#endif
