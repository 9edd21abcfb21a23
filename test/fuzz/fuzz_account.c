/* evidence: the ACME account that is published, which must not hold a key. */
#include "evidence/source_files.h"

#include "common/json.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* Looks for a key by itself. */
static bool has_key(const cJSON *value)
{
	static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cJSON_IsObject(value) &&
		    cJSON_GetObjectItemCaseSensitive(value, names[i]) != NULL)
			return true;
	if (cJSON_IsString(value) && strstr(value->valuestring, "PRIVATE KEY") != NULL)
		return true;
	for (const cJSON *child = value->child; child != NULL; child = child->next)
		if (has_key(child))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file file = fuzz_file(data, size);
	struct error err = ERROR_INIT;
	struct buffer text;

	buffer_init(&text, ACCOUNT_MAX);
	if (source_read_account(file.path, &text, &err) == 0) {
		CHECK(text.length == size && memcmp(text.data, data, size) == 0);
		AUTO_JSON cJSON *account = json_parse(text.data, text.length, "it", &err);
		CHECK(cJSON_IsObject(account) && !has_key(account));
		CHECK(memmem(data, size, "PRIVATE KEY", 11) == NULL);
	} else {
		fuzz_check_error(&err);
	}
	buffer_free(&text);
	close(file.fd);
	return 0;
}
