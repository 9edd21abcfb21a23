#include "common/say.h"

#include "common/file.h"
#include "common/text.h"

#include <stdarg.h>
#include <stdlib.h>

enum { PIECE = 512 };

void say(FILE *out, const char *format, ...)
{
	AUTO_FREE char *line = NULL;
	char piece[PIECE];
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	for (const char *at = line; at != NULL && *at != '\0';) {
		at += text_escape(at, piece, sizeof(piece));
		fputs(piece, out);
	}
	fputs(line == NULL ? "(no memory for this line)\n" : "\n", out);
}

void say_into(struct buffer *lines, const char *format, ...)
{
	AUTO_FREE char *line = NULL;
	char piece[PIECE];
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	for (const char *at = line; at != NULL && *at != '\0';) {
		at += text_escape(at, piece, sizeof(piece));
		buffer_puts(lines, piece);
	}
	buffer_puts(lines, line == NULL ? "(no memory for this line)\n" : "\n");
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
