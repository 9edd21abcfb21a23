/* The page at /evidences/: what there is, and how to check it. */
#ifndef EVIDENCE_INDEX_H
#define EVIDENCE_INDEX_H

#include "common/buffer.h"
#include "evidence/bundle.h"

enum { INDEX_MAX = 1024 * 1024 };

/* Appends an HTML page.  It asks for nothing but itself, not even for a favicon: a browser
 * that went looking for one would open a connection that is routed to the application. */
int index_render(const struct bundle *files, struct buffer *page);

#endif
