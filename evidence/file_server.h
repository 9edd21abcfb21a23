/* Answers requests for /evidences/ from the current generation. */
#ifndef EVIDENCE_FILE_SERVER_H
#define EVIDENCE_FILE_SERVER_H

#include "evidence/generation.h"

#include <event2/http.h>

struct file_server {
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
void file_server_answer(struct file_server *server, struct evhttp_request *request);

#endif
