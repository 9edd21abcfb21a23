/* Printing for people; every value that goes there may be somebody else's (see text.h). */
#ifndef COMMON_SAY_H
#define COMMON_SAY_H

#include "common/buffer.h"

#include <stdio.h>

/* Prints one line, whatever is in it: its line end is put behind it, those within are escaped as
 * all else that is not plain. */
void say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same to the end of a buffer. */
void say_into(struct buffer *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints several lines that were made so; ends as they end. */
void say_lines(FILE *out, const char *lines);

#endif
