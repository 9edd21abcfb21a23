/*
 * The page at /evidences/: what there is, what it proves, and how to check it; and the same list
 * for programs.
 */
#ifndef EVIDENCE_INDEX_PAGE_H
#define EVIDENCE_INDEX_PAGE_H

#include "common/buffer.h"
#include "evidence/file_set.h"

enum { INDEX_PAGE_MAX = 8 * 1024 * 1024 };

/* Appends an HTML page with commands for `host`, as a Host header has it (RFC 9110 section 7.2);
 * NULL, or a text that is no host and port, stands as HOST.  The page asks for nothing but itself,
 * not even for a favicon: a browser that went looking for one would open a connection that is
 * routed to the application. */
int index_page_html(const struct file_set *files, const char *host, struct buffer *page);

/* Appends {"files": [{"name", "bytes", "sha256", "path", "purpose"}]}, and "platform", the kind of
 * machine that attestation.bin names, if there is one. */
int index_page_json(const struct file_set *files, struct buffer *text);

#endif
