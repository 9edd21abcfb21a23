/*
 * Every allocation of a call fails in turn: the call must say so and free what it has.
 *
 * For programs named test_memory_*.c: the linker gives their calls of the allocator, and those of
 * the project's own files, to the functions below (--wrap, see the Makefile).  A library takes part
 * if it has hooks (cJSON).  Leaks and the use of freed memory are found by the sanitizers' build.
 */
#ifndef TEST_UNIT_COMMON_MEMORY_H
#define TEST_UNIT_COMMON_MEMORY_H

#include "unit.h"

#include <errno.h>

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *old, size_t size);
extern char *__real_strdup(const char *text);
extern char *__real_strndup(const char *text, size_t length);

/* Allocations that still succeed; negative: all do.  Then one fails, or all from there on. */
static long allocations_left = -1;
static bool only_one_fails;
static bool has_failed;

static bool allocation_fails(void)
{
	if (allocations_left < 0 || allocations_left-- > 0)
		return false;
	allocations_left = only_one_fails ? -1 : 0;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_vasprintf(char **text, const char *format, va_list args);
int __wrap_asprintf(char **text, const char *format, ...);
/* What FORTIFY makes of the two before. */
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list args);
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...);

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return allocation_fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
	return allocation_fails() ? NULL : __real_strndup(text, length);
}

int __wrap_vasprintf(char **text, const char *format, va_list args)
{
	va_list again;

	*text = NULL;
	if (allocation_fails())
		return -1;
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length >= 0)
		*text = __real_malloc((size_t)length + 1);
	return *text == NULL ? -1 : vsnprintf(*text, (size_t)length + 1, format, args);
}

int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = __wrap_vasprintf(text, format, args);
	va_end(args);
	return length;
}

int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list args)
{
	(void)flag;
	return __wrap_vasprintf(text, format, args);
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	int length = __wrap_vasprintf(text, format, args);
	va_end(args);
	return length;
}

/*
 * Runs `attempt` with 0, 1, 2 ... allocations before one fails, and again before all fail, until it
 * needs no more; `at_least` so many were reached.  `attempt` returns whether it ended well, and
 * has freed everything.  `check` (may be NULL) is called with what each run came to.
 */
static void fail_every_allocation(bool (*attempt)(const void *arg, struct error *err),
				  const void *arg,
				  void (*check)(const void *arg, bool has_failed, bool ended_well,
						const struct error *err),
				  long at_least)
{
	for (int mode = 0; mode < 2; mode++) {
		only_one_fails = mode == 0;
		for (long allowed = 0;; allowed++) {
			struct error err = ERROR_INIT;
			has_failed = false;
			allocations_left = allowed;
			bool ended_well = attempt(arg, &err);
			allocations_left = -1;
			check(arg, has_failed, ended_well, &err);
			if (!has_failed) {
				assert_true(allowed >= at_least);
				break;
			}
			assert_true(allowed < 10000);
		}
	}
}

#endif
