#include "common/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void buffer_init(struct buffer *b, size_t maximum)
{
	*b = (struct buffer){.maximum = maximum};
}

void buffer_free(struct buffer *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->length);
	free(b->data);
	buffer_init(b, b->maximum);
}

void buffer_reset(struct buffer *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->length);
	b->length = 0;
	b->failed = false;
	b->out_of_memory = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static int give_up(struct buffer *b, bool out_of_memory)
{
	buffer_free(b);
	b->failed = true;
	b->out_of_memory = out_of_memory;
	return -1;
}

/* Makes room for `extra` more bytes and the NUL. */
static int reserve(struct buffer *b, size_t extra)
{
	if (b->failed)
		return -1;
	/* The second: with a maximum of SIZE_MAX there is no room to count the NUL. */
	if (extra > b->maximum - b->length || extra >= SIZE_MAX - b->length)
		return give_up(b, false);
	size_t needed = b->length + extra + 1;
	if (needed <= b->capacity)
		return 0;
	size_t capacity = b->capacity == 0 ? FIRST_CAPACITY : b->capacity * 2;
	if (capacity < needed)
		capacity = needed;
	/* Not realloc(): it may leave a copy behind, and secrets are read into buffers too. */
	char *data = malloc(capacity);
	if (data == NULL)
		return give_up(b, true);
	if (b->data != NULL) {
		memcpy(data, b->data, b->length + 1);
		explicit_bzero(b->data, b->length);
		free(b->data);
	}
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int buffer_append(struct buffer *b, const void *data, size_t length)
{
	if (reserve(b, length) != 0)
		return -1;
	if (length > 0)
		memcpy(b->data + b->length, data, length);
	b->length += length;
	b->data[b->length] = '\0';
	return 0;
}

int buffer_puts(struct buffer *b, const char *text)
{
	return buffer_append(b, text, strlen(text));
}

int buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return give_up(b, true);
	if (reserve(b, (size_t)length) != 0)
		return -1;
	va_start(args, format);
	vsnprintf(b->data + b->length, (size_t)length + 1, format, args);
	va_end(args);
	b->length += (size_t)length;
	return 0;
}

const char *buffer_text(const struct buffer *b)
{
	return b->data == NULL ? "" : b->data;
}

int buffer_check(const struct buffer *b, const char *what, struct error *err)
{
	if (!b->failed)
		return 0;
	if (b->out_of_memory)
		return error_no_memory(err);
	return error_set(err, EXIT_FAILED, "%s is larger than %zu bytes", what, b->maximum);
}

char *buffer_take(struct buffer *b)
{
	if (b->failed)
		return NULL;
	char *data = b->data == NULL ? strdup("") : b->data; /* the caller's from here */
	buffer_init(b, b->maximum);
	return data;
}
