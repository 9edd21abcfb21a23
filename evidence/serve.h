/* The HTTP server behind HAProxy: /evidences/, and nothing else. */
#ifndef EVIDENCE_SERVE_H
#define EVIDENCE_SERVE_H

#include "common/error.h"

enum {
	SERVE_HEADER_MAX = 8 * 1024,
	/* Read for the sake of a clear answer to a POST, and thrown away; 413 beyond. */
	SERVE_BODY_MAX = 8 * 1024,
};

/*
 * Serves `evidence_dir` on the listening socket `fd` until SIGTERM or SIGINT, then lets
 * answers under way finish and returns 0.  Takes over `fd`.
 *
 * Started as root it opens what it needs, makes `evidence_dir` its root folder and becomes
 * nobody before it looks at the first request.
 */
int serve(const char *evidence_dir, int fd, struct error *err);

#endif
