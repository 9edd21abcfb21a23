#include "common/say.h"

#include "common/file.h"
#include "common/text.h"

#include <stdarg.h>
#include <stdlib.h>

enum { PIECE = 512 };

/* Where a line goes: a file, or else a buffer. */
struct sink {
	FILE *file;
	struct buffer *buffer;
};

static void put(const struct sink *to, const char *text)
{
	if (to->file != NULL)
		fputs(text, to->file);
	else
		buffer_puts(to->buffer, text);
}

static void put_line(const struct sink *to, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void put_line(const struct sink *to, const char *format, va_list args)
{
	AUTO_FREE char *line = NULL;
	char piece[PIECE];

	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	for (const char *at = line; at != NULL && *at != '\0';) {
		at += text_escape(at, piece, sizeof(piece));
		put(to, piece);
	}
	put(to, line == NULL ? "(no memory for this line)\n" : "\n");
}

void say(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(&(struct sink){.file = out}, format, args);
	va_end(args);
}

void say_into(struct buffer *lines, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(&(struct sink){.buffer = lines}, format, args);
	va_end(args);
}

void say_lines(FILE *out, const char *lines)
{
	char piece[PIECE];

	while (*lines != '\0') {
		struct text_character character = text_first(lines);
		if (*lines == '\n' || character.is_plain) {
			fwrite(lines, 1, character.length, out);
			lines += character.length;
			continue;
		}
		char one[sizeof("\xf0\x9f\x94\x92")] = "";
		for (size_t i = 0; i < character.length; i++)
			one[i] = lines[i];
		text_escape(one, piece, sizeof(piece));
		fputs(piece, out);
		lines += character.length;
	}
}
