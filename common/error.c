#include "common/error.h"

#include "common/text.h"

#include <stdio.h>
#include <string.h>

static void format_text(char text[ERROR_TEXT_MAX], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void set(struct error *err, enum exit_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Formats into `text`; what does not fit is cut and ends in "...". */
static void format_text(char text[ERROR_TEXT_MAX], const char *format, va_list args)
{
	int wanted = vsnprintf(text, ERROR_TEXT_MAX, format, args);

	if (wanted < 0)
		snprintf(text, ERROR_TEXT_MAX, "(this message could not be formatted)");
	else if (wanted >= ERROR_TEXT_MAX)
		text_end_in_dots(text, ERROR_TEXT_MAX);
}

/* The arguments may point into err->text, so the new text is made beside it. */
static void set(struct error *err, enum exit_code code, const char *format, va_list args)
{
	char text[ERROR_TEXT_MAX];

	format_text(text, format, args);
	if (text[text_escape(text, err->text, sizeof(err->text))] != '\0')
		text_end_in_dots(err->text, sizeof(err->text));
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
	format_text(what, format, args);
	va_end(args);
	return error_set(err, code, "%s: %s", what, strerror_r(errnum, why, sizeof(why)));
}

int error_wrap(struct error *err, const char *format, ...)
{
	unsigned retry_after = err->retry_after;
	char context[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	format_text(context, format, args);
	va_end(args);
	error_set(err, err->code, "%s: %s", context, err->text);
	err->retry_after = retry_after;
	return -1;
}

int error_no_memory(struct error *err)
{
	return error_set(err, EXIT_TRY_LATER, "out of memory");
}
