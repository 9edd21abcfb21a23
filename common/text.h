/* Text from elsewhere, made fit for one line of a message. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>

/*
 * In place: every control character (C0, DEL, and C1 as UTF-8 has it) and every byte that is
 * not part of valid UTF-8 (RFC 3629) becomes '?', a tab becomes a space.  What remains stays on
 * its line, gives a terminal no orders, and can stand in JSON.
 */
void text_tidy(char *text);

/* How many bytes the UTF-8 character at `text` has (1 to 4); 0 when what is there is none.  Reads
 * no further than the first byte that does not fit, so never past the NUL. */
size_t text_character_length(const char *text);

#endif
