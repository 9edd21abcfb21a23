/*
 * A growing byte buffer with a maximum at birth.
 *
 * It is always NUL-terminated (the NUL is not counted).  A failed append (over the
 * maximum, or out of memory) frees the content, and every later append fails too: a
 * long run of appends needs one buffer_check() at its end.  What is appended must not point
 * into the buffer itself.  Memory that it leaves is cleansed.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; /* NULL until the first append and after a failure */
	size_t length;
	size_t maximum;
	size_t capacity;
	bool failed;
	bool out_of_memory; /* that was why; else the maximum */
};

/* `maximum` is in bytes. */
void buffer_init(struct buffer *b, size_t maximum);
void buffer_free(struct buffer *b);
/* Drops the content and the failure, keeps the memory and the maximum. */
void buffer_reset(struct buffer *b);

int buffer_append(struct buffer *b, const void *data, size_t length);
int buffer_puts(struct buffer *b, const char *text);
int buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a string, never NULL ("" when empty or failed). */
const char *buffer_text(const struct buffer *b);

/* 0, or -1 with err set: "<what> is larger than N bytes" (EXIT_FAILED) or out of memory. */
int buffer_check(const struct buffer *b, const char *what, struct error *err);

/* Hands the memory to the caller (free()); the buffer is empty afterwards.  NULL if failed or
 * out of memory; an empty buffer gives an empty string. */
char *buffer_take(struct buffer *b);

#endif
