/* supervisor: what certbot prints, and after a line "----" what it logs. */
#include "supervisor/certbot/certbot_answer.h"

#include "test/fuzz/fuzz.h"

enum { NOW = 1764000000, WEEK = 7 * 86400 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char between[] = "\n----\n";
	const uint8_t *at = memmem(data, size, between, strlen(between));
	size_t tail_size = at == NULL ? size : (size_t)(at - data);
	size_t log_at = at == NULL ? size : tail_size + strlen(between);
	char *tail = fuzz_text(data, tail_size);
	char *log = fuzz_text(data + log_at, size - log_at);
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_FAILED, "certbot failed");
	certbot_explain(&(struct certbot_words){tail, log}, NOW, &err);
	fuzz_check_error(&err);
	CHECK(strncmp(err.text, "certbot", 7) == 0);
	CHECK(err.code == EXIT_FAILED || err.code == EXIT_TRY_LATER);
	CHECK(err.retry_after <= WEEK);
	CHECK(err.retry_after == 0 || err.code == EXIT_TRY_LATER);
	free(tail);
	free(log);
	return 0;
}
