/* Quoted strings, as TXT and CAA values are written in zone files and by providers. */
#ifndef DNS_HOOKS_RECORDS_RECORD_TEXT_H
#define DNS_HOOKS_RECORDS_RECORD_TEXT_H

#include "common/buffer.h"

/* Appends the text behind quoted strings ("a" "b" -> ab, \" and \DDD resolved).  Text that
 * does not begin with a quote is appended as it is.  -1 when a quote is left open. */
int record_unquote(const char *text, struct buffer *into);
/* Appends `text` as quoted strings of at most 255 bytes (RFC 1035 section 3.3). */
int record_quote(const char *text, struct buffer *into);

#endif
