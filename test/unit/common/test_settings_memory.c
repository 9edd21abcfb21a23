/*
 * Each allocation fails in turn: the answer is "out of memory" or a good result, and nothing
 * is leaked.  malloc and its relatives are replaced in this program; the C library lets
 * that be done by defining them.
 */
#include "test_settings_fixture.h"

#include <errno.h>

#ifdef __SANITIZE_ADDRESS__

/* The sanitizer has replaced malloc itself. */
static void every_failure_is_tried_without_the_sanitizer(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_failure_is_tried_without_the_sanitizer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *pointer);

static long countdown = -1; /* allocations until the one that fails; below 0: none does */
static long outstanding;    /* allocations that were not freed */

static int fails(void)
{
	if (countdown < 0 || countdown-- > 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	if (fails())
		return NULL;
	outstanding++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (fails())
		return NULL;
	outstanding++;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	if (old == NULL)
		outstanding++;
	return __libc_realloc(old, size);
}

void free(void *pointer)
{
	if (pointer != NULL)
		outstanding--;
	__libc_free(pointer);
}

static const char *const bad[] = {
    "DOMAIN=app.example.com",
    "DOMAINS=b.example.com,*.w.example.com,bad_name,b.example.com",
    "TARGET_ENDPOINT=app:8080",
    "ROUTING_MAP=b.example.com=b:80\nx.w.example.com=x:80\nother.example.com=o:1",
    "GATEWAY_DOMAIN=gateway.example.net",
    "SERVER_FIRST=b.example.com",
    "BACKEND_NETWORKS=10.0.0.0/8,10.0.0.1/8",
    "RUN_DIR=/run/x/",
    "CLOUDFLARE_API_TOKEN=" CANARY,
    "CLOUDFLARE_API_TOKEN_FILE=/dev/null",
    "RFC2136_KEY_SECRET_FILE=/nonexistent",
    "DOMIAN=x",
    NULL};

static const char *const good[] = {"DOMAIN=app.example.com",
				   "DOMAINS=b.example.com,*.w.example.com",
				   "TARGET_ENDPOINT=app:8080",
				   "ROUTING_MAP=b.example.com=b:80\nx.w.example.com=x:80",
				   "GATEWAY_DOMAIN=gateway.example.net",
				   "SERVER_FIRST=b.example.com",
				   "BACKEND_NETWORKS=10.0.0.0/8,fd00::/8",
				   "CLOUDFLARE_API_TOKEN=" CANARY,
				   NULL};

/* One run with the allocation number `which` failing.  Returns what the error says. */
static enum exit_code run(const char *const *variables, long which, bool *failed)
{
	struct buffer problems, warnings;
	struct error err = {EXIT_OK, 0, ""};
	char **child = NULL;
	long before = outstanding;

	buffer_init(&problems, FIXTURE_TEXT_MAX);
	buffer_init(&warnings, FIXTURE_TEXT_MAX);
	countdown = which;
	struct settings *settings =
	    settings_load((char *const *)(uintptr_t)variables, &problems, &warnings, &err);
	if (settings != NULL)
		child = settings_child_environment(settings, FOR_DNS, NULL, &err);
	*failed = countdown < 0;
	countdown = -1;
	settings_free_environment(child);
	settings_free(settings);
	buffer_free(&problems);
	buffer_free(&warnings);
	assert_int_equal(outstanding, before);
	return err.code;
}

static void torture(const char *const *variables, enum exit_code otherwise)
{
	bool failed = true;
	long runs = 0;

	for (long which = 0; failed; which++, runs++) {
		enum exit_code code = run(variables, which, &failed);
		assert_int_equal(code, failed ? EXIT_TRY_LATER : otherwise);
	}
	assert_true(runs > 10); /* the allocations of a load were reached at all */
}

static void good_settings_survive_every_failure(void **state)
{
	(void)state;
	torture(good, EXIT_OK);
}

static void bad_settings_survive_every_failure(void **state)
{
	(void)state;
	torture(bad, EXIT_BAD_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_settings_survive_every_failure),
	    cmocka_unit_test(bad_settings_survive_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
