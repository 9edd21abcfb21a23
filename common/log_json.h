/* A log line as a JSON object; see log.h for what is in it. */
#ifndef COMMON_LOG_JSON_H
#define COMMON_LOG_JSON_H

#include "common/log.h"

/*
 * Shorter than LOG_LINE_MAX: what is too long of `text` is cut.  A domain that `text` begins with,
 * in brackets, becomes a field.  NULL when memory ran out; to be freed.
 */
char *log_json_line(const char *program, const char *level, const char *when, const char *text,
		    const struct log_facts *facts);

#endif
