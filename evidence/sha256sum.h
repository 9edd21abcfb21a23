/* The text format of coreutils' sha256sum: "<64 hex digits>  <name>\n" per file. */
#ifndef EVIDENCE_SHA256SUM_H
#define EVIDENCE_SHA256SUM_H

#include "common/buffer.h"
#include "evidence/file_set.h"

/* Appends a line for every file, in the order of the set (by name, so that equal files give
 * equal text).  The names need no escaping: a set has no others.  -1 when the buffer is
 * full or out of memory. */
int sha256sum_write(const struct file_set *set, struct buffer *text);

#endif
