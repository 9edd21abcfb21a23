/*
 * What every fuzz target here includes.  A target feeds one input to a parser and CHECK()s
 * what must hold of the outcome; libFuzzer, with the sanitizers, looks for an input that breaks
 * it.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer calls these; 0 from both. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with the input as a finding. */
#define CHECK(condition)                                                                  \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#condition);                                              \
			abort();                                                          \
		}                                                                         \
	} while (0)

/* Whether all of it is UTF-8: JSON is (RFC 8259 section 8.1), and what is not comes out of
 * json_print() with other bytes in its place. */
static inline bool fuzz_is_utf8(const uint8_t *data, size_t size)
{
	size_t i = 0;

	while (i < size) {
		uint8_t lead = data[i];
		size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
		if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || more > size - i - 1)
			return false;
		for (size_t j = 1; j <= more; j++)
			if ((data[i + j] & 0xc0) != 0x80)
				return false;
		uint8_t second = more > 0 ? data[i + 1] : 0;
		if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
		    (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
			return false;
		i += more + 1;
	}
	return true;
}

/* Findings are told by CHECK(), not by what the program would say. */
static inline void fuzz_quiet(void)
{
	log_setup("fuzz", LOG_ERROR, LOG_TEXT);
}

/* The bytes with a NUL behind them and nothing else, so that the sanitizer sees every read past
 * their end; free(). */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* An input of several parts: lines, the last of which may be anything. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next line as fuzz_text(), "" at the end. */
static inline char *fuzz_line(struct fuzz_input *input)
{
	const uint8_t *end = input->left == 0 ? NULL : memchr(input->at, '\n', input->left);
	size_t length = end == NULL ? input->left : (size_t)(end - input->at);
	char *text = fuzz_text(input->at, length);

	length += end != NULL;
	input->at += length;
	input->left -= length;
	return text;
}

/* Nothing that a terminal obeys. */
static inline void fuzz_check_plain(const char *text)
{
	for (; *text != '\0'; text += text_first(text).length)
		CHECK(text_first(text).is_plain);
}

/* What holds of every error: a sentence is there, and is fit for one line. */
static inline void fuzz_check_error(const struct error *err)
{
	CHECK(err->text[0] != '\0');
	CHECK(memchr(err->text, '\0', sizeof(err->text)) != NULL);
	fuzz_check_plain(err->text);
}

/* For what reads files: one in memory, with the input in it, and its path. */
struct fuzz_file {
	int fd;
	char path[32];
};

static inline struct fuzz_file fuzz_file(const uint8_t *data, size_t size)
{
	struct fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

	CHECK(file.fd >= 0);
	CHECK(write(file.fd, data, size) == (ssize_t)size);
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

/* For what works in a folder: one in memory, gone when the process ends. */
static char fuzz_scratch[] = "/dev/shm/fuzz-XXXXXX";

static inline void fuzz_remove_scratch(void)
{
	struct error err = ERROR_INIT;

	file_remove_tree(fuzz_scratch, &err);
}

static inline const char *fuzz_folder(void)
{
	CHECK(mkdtemp(fuzz_scratch) != NULL && atexit(fuzz_remove_scratch) == 0);
	return fuzz_scratch;
}

static inline void fuzz_put(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

#endif
