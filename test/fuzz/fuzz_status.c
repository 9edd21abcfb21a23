/* supervisor: the daemon's status, as ingressctl prints it. */
#include "supervisor/ctl/show.h"

#include "common/json.h"
#include "test/fuzz/fuzz.h"

enum { NOW = 1764000000 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*"

/* Every domain that has a name is in the text; one with odd characters as they are shown. */
static void check_domains(const cJSON *status, const char *text)
{
	const cJSON *domain;

	cJSON_ArrayForEach(domain, json_array(status, "domains"))
	{
		const char *name = json_string(domain, "name");
		bool plain = name != NULL && name[strspn(name, PLAIN)] == '\0';
		CHECK(!plain || strstr(text, name) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *status = json_parse((const char *)data, size, "it", &err);
	char *text = NULL;
	size_t length = 0;

	if (!fuzz_is_utf8(data, size))
		return 0;
	if (status == NULL)
		return 0;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	ctl_print_status(status, NOW, out);
	CHECK(fclose(out) == 0 && length > 0 && text[length - 1] == '\n');
	CHECK(strstr(text, "DOMAIN") != NULL);
	check_domains(status, text);
	free(text);
	return 0;
}
