/*
 * What a child writes: taken from its two pipes as it comes, cut into lines and logged
 * under its name, with the last of it remembered for whoever reports how it ended.
 */
#ifndef SUPERVISOR_CHILDREN_CHILD_OUTPUT_H
#define SUPERVISOR_CHILDREN_CHILD_OUTPUT_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/log.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

enum { CHILD_LINE_MAX = 2048, CHILD_TAIL_LINES = 16 };

struct child_output_options {
	const char *name; /* log prefix; outlives the output */
	/* Of lines without a prefix of their own, see log.h. */
	enum log_level stdout_level, stderr_level;
	/* For programs with a way of their own to say how serious a line is; may be NULL. */
	enum log_level (*judge)(const char *line);
	size_t capture_max; /* 0: standard output is logged; else kept, up to so many bytes */
	/* Its errors come back as the result of a job, to be told once and with context: here
	 * they are logged at debug level only. */
	bool errors_are_reported;
};

struct child_output;

/* Makes the pipes; the child's ends go into `stdout_fd` and `stderr_fd`, and are the
 * caller's to close once the child has them. */
struct child_output *child_output_open(struct event_base *base,
				       const struct child_output_options *options, int *stdout_fd,
				       int *stderr_fd, struct error *err);
void child_output_free(struct child_output *output);

/* Takes what is still in the pipes and closes them: the end of a child may be seen before
 * its last words. */
void child_output_drain(struct child_output *output);

/* What was captured of standard output. */
const struct buffer *child_output_captured(const struct child_output *output);
/* The last line on standard error, or of level error where lines tell; "" if none. */
const char *child_output_last_error(const struct child_output *output);
/* The last lines of both streams, newline after each, into `text` (made here, freed by the
 * caller with buffer_free()). */
void child_output_tail(const struct child_output *output, struct buffer *text);

#endif
