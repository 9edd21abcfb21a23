#include "common/error.h"

#include <stdio.h>
#include <string.h>

/* Whatever a peer put into a message, it stays on one line and off the terminal's controls. */
static void tidy(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f)
			*text = '?';
	}
}

static void mark_cut(char text[ERROR_TEXT_MAX], int wanted)
{
	if (wanted >= ERROR_TEXT_MAX)
		memcpy(text + ERROR_TEXT_MAX - 4, "...", 4);
}

static void set(struct error *err, enum exit_code code, const char *format, va_list args)
{
	int wanted = vsnprintf(err->text, sizeof(err->text), format, args);

	mark_cut(err->text, wanted);
	tidy(err->text);
	err->code = code;
	err->retry_after = 0;
}

int error_set(struct error *err, enum exit_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	return -1;
}

int error_set_errno(struct error *err, enum exit_code code, int errnum, const char *format, ...)
{
	char what[ERROR_TEXT_MAX];
	char why[128];
	va_list args;

	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	memcpy(what, err->text, sizeof(what));
	return error_set(err, code, "%s: %s", what, strerror_r(errnum, why, sizeof(why)));
}

int error_wrap(struct error *err, const char *format, ...)
{
	char context[ERROR_TEXT_MAX];
	char inner[ERROR_TEXT_MAX];
	va_list args;
	int wanted;

	va_start(args, format);
	wanted = vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	mark_cut(context, wanted);
	memcpy(inner, err->text, sizeof(inner));
	wanted = snprintf(err->text, sizeof(err->text), "%s: %s", context, inner);
	mark_cut(err->text, wanted);
	tidy(err->text);
	return -1;
}

int error_no_memory(struct error *err)
{
	return error_set(err, EXIT_TRY_LATER, "out of memory");
}
