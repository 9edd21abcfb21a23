/* supervisor: a site's manifest in one line, and behind it a CT log's list. */
#include "common/json.h"
#include "supervisor/verify/manifest.h"
#include "test/fuzz/fuzz.h"

static const char HOST[] = "app.demo.test";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_list(const cJSON *manifest, const struct buffer *list)
{
	struct findings findings;
	struct error err = ERROR_INIT;

	findings_init(&findings);
	if (manifest_judge_ct(manifest, HOST, list, &findings, &err) != 0) {
		fuzz_check_error(&err);
		CHECK(findings.list[CHECK_CT].outcome == OUTCOME_NOT_CHECKED);
		return;
	}
	CHECK(findings.list[CHECK_CT].outcome != OUTCOME_NOT_CHECKED);
	CHECK(findings.list[CHECK_CT].text[0] != '\0');
	/* Without a history nothing is explained. */
	if (findings.list[CHECK_CT].outcome == OUTCOME_PASSED &&
	    cJSON_GetArraySize(json_array(manifest, "history")) == 0)
		CHECK(strncmp(findings.list[CHECK_CT].text, "0 ", 2) == 0);
}

/* Bytes that are no certificate are named by no manifest. */
static void check_certificate(const cJSON *manifest)
{
	struct findings findings;
	struct buffer chain;

	findings_init(&findings);
	buffer_init(&chain, 64);
	buffer_puts(&chain, "no certificate");
	manifest_judge_certificate(manifest, HOST, &chain, &findings);
	CHECK(findings.list[CHECK_MANIFEST].outcome == OUTCOME_FAILED);
	buffer_free(&chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *text = fuzz_line(&input);
	struct error err = ERROR_INIT;
	struct buffer list;
	cJSON *manifest = manifest_parse(text, strlen(text), &err);

	buffer_init(&list, CT_LIST_MAX);
	CHECK(buffer_append(&list, input.at, input.left) == 0);
	if (manifest == NULL) {
		fuzz_check_error(&err);
	} else {
		check_certificate(manifest);
		check_list(manifest, &list);
	}
	cJSON_Delete(manifest);
	buffer_free(&list);
	free(text);
	return 0;
}
