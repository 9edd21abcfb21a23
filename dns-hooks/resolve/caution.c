#include "dns-hooks/resolve/caution.h"

#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>

void caution_keep(struct error *note, const char *text)
{
	error_set(note, EXIT_OK, "%s%s%s", note->text, *note->text == '\0' ? "" : "; ", text);
}

void caution(struct error *note, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_warn("%s", text);
	if (note != NULL)
		caution_keep(note, text);
}
