/*
 * The one error object of this project.
 *
 * A function that can fail takes `struct error *err` as its last parameter and
 * returns -1 (or NULL) after filling it.  Callers either handle the error or
 * add context and pass it up; only main() or an event handler prints it, once.
 * The object lives on the caller's stack, so reporting an error never
 * allocates and works when memory is exhausted.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdarg.h>

/* Exit status of every program of this project (sysexits.h where it has one). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,       /* it did not work and repeating it as it is will not help */
	EXIT_USAGE_ERROR = 64, /* EX_USAGE */
	EXIT_UNREACHABLE = 69, /* EX_UNAVAILABLE: a needed service does not answer */
	EXIT_TRY_LATER = 75,   /* EX_TEMPFAIL: told to wait, or a time-out */
	EXIT_BAD_CONFIG = 78,  /* EX_CONFIG: a setting or credential is wrong */
};

enum { ERROR_TEXT_MAX = 1024 };

struct error {
	enum exit_code code;	   /* what main() exits with */
	unsigned retry_after;	   /* seconds the peer asked us to wait; 0: it did not say */
	char text[ERROR_TEXT_MAX]; /* one sentence, no newline; "" until set */
};

#define ERROR_INIT                 \
	{                          \
		EXIT_FAILED, 0, "" \
	}

/* Sets the error; control characters in the result are escaped (see text.h).  Returns -1
 * so that `return error_set(...)` reads well.  Longer texts are cut and end in "...".  The
 * arguments may point into err->text. */
int error_set(struct error *err, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errnum)>" behind it. */
int error_set_errno(struct error *err, enum exit_code code, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "<context>: " in front of what is there; code and retry_after stay.  Returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The usual answer to a failed allocation.  Returns -1. */
int error_no_memory(struct error *err);

#endif
