/* Walking through bytes from strangers: each step is bounded by what is left. */
#ifndef COMMON_ATTESTATION_BYTE_READER_H
#define COMMON_ATTESTATION_BYTE_READER_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* What has not been read yet. */
struct byte_reader {
	const unsigned char *at;
	size_t left;
};

static inline unsigned bytes_u16(const unsigned char *at)
{
	return (unsigned)at[0] | (unsigned)at[1] << 8;
}

static inline uint32_t bytes_u32(const unsigned char *at)
{
	return (uint32_t)bytes_u16(at) | (uint32_t)bytes_u16(at + 2) << 16;
}

/* The next `length` bytes; NULL with err when fewer are left.  `part` names them. */
static inline const unsigned char *bytes_take(struct byte_reader *reader, size_t length,
					      const char *part, struct error *err)
{
	const unsigned char *start = reader->at;

	if (length > reader->left) {
		error_set(err, EXIT_FAILED,
			  "the quote ends within its %s: %zu bytes are left where %zu are needed",
			  part, reader->left, length);
		return NULL;
	}
	reader->at += length;
	reader->left -= length;
	return start;
}

#endif
