/*
 * Text from elsewhere, made fit to be printed for people: whoever chose it may give a terminal
 * no orders, begin no line of its own, and look like nothing that it is not.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes the UTF-8 character at `text` has (1 to 4); 0 when what is there is none.  Reads
 * no further than the first byte that does not fit, so never past the NUL. */
size_t text_character_length(const char *text);

struct text_character {
	size_t length; /* bytes */
	unsigned code; /* of Unicode; of a byte that is not part of UTF-8 (RFC 3629) the byte */
	bool is_utf8;
	/* It is seen as what it is, and stays on its line: no control character (C0, DEL, C1), none
	 * that turns the direction of what follows, none without a width or with that of a space.
	 */
	bool is_plain;
	/* Of one that is not plain and that nobody puts into a value knowingly: "a byte order
	 * mark"; else NULL. */
	const char *stray;
};

/* The first one of a text that is not empty. */
struct text_character text_first(const char *text);

/*
 * Writes `text` to `out`, which has `size` bytes (16 at least) and does not overlap: what is not
 * plain as "\n", "\t", "\x1b" (a byte) or "\u202e", all else as it is; so a text that was escaped
 * before comes out unchanged.  Ends with the last character that fits whole.  Returns how many
 * bytes of `text` that were.
 */
size_t text_escape(const char *text, char *out, size_t size);

/* Puts "..." at the end of a text that was cut because it did not fit into `size` bytes, in place
 * of whole characters where there is no room left. */
void text_end_in_dots(char *text, size_t size);

#endif
