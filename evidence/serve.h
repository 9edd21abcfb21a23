/* The HTTP servers behind HAProxy: one for the files below /evidences/, one for
 * /evidences/attestation.json. */
#ifndef EVIDENCE_SERVE_H
#define EVIDENCE_SERVE_H

#include "common/error.h"

#include <stdbool.h>

enum {
	SERVE_HEADER_MAX = 8 * 1024,
	/* Read for the sake of a clear answer to a POST, and thrown away; 413 beyond. */
	SERVE_BODY_MAX = 8 * 1024,
};

struct serve_options {
	const char *evidence_dir;
	int fd; /* the listening socket; taken over */
	/* Makes quotes for who asks (attest.h) instead of serving the files. */
	bool attests;
	const char *dstack_socket, *tappd_socket; /* for that */
};

/*
 * Serves until SIGTERM or SIGINT, then lets answers under way finish and returns 0.
 *
 * Started as root it opens what it needs, makes `evidence_dir` its root folder and becomes a user
 * without rights before it looks at the first request.
 */
int serve(const struct serve_options *options, struct error *err);

#endif
