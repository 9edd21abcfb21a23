/* The text format of coreutils' sha256sum: "<64 hex digits>  <name>\n" per file. */
#ifndef EVIDENCE_SHA256SUM_H
#define EVIDENCE_SHA256SUM_H

#include "common/buffer.h"
#include "evidence/bundle.h"

/* Appends a line for every file, in the bundle's order (by name, so that equal files give
 * equal text).  The names need no escaping: a bundle has no others.  -1 when the buffer is
 * full or out of memory. */
int sha256sum_write(const struct bundle *bundle, struct buffer *text);

#endif
