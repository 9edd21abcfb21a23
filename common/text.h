/* Text from elsewhere, made fit for one line of a message. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

/*
 * In place: every control character (C0, DEL, and C1 as UTF-8 has it) and every byte that is
 * not part of valid UTF-8 (RFC 3629) becomes '?', a tab becomes a space.  What remains stays on
 * its line, gives a terminal no orders, and can stand in JSON.
 */
void text_tidy(char *text);

#endif
