#include "supervisor/verify/platform.h"

#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"

#include <stdlib.h>
#include <string.h>

bool platform_is_published(const cJSON *json)
{
	return json_string(json, "attestation") != NULL && json_string(json, "nonce") == NULL;
}

static bool is_published_text(const struct buffer *text)
{
	struct error ignored = ERROR_INIT;
	AUTO_JSON cJSON *json =
	    json_parse(buffer_text(text), text->length, "attestation.json", &ignored);

	return platform_is_published(json);
}

const struct buffer *platform_find_proof(const struct material *material)
{
	const struct buffer *quote = material_find(material, "quote.json");
	const struct buffer *bytes = material_find(material, "attestation.bin");
	const struct buffer *json = material_find(material, "attestation.json");

	if (quote != NULL || bytes != NULL)
		return quote != NULL ? quote : bytes;
	return json != NULL && is_published_text(json) ? json : NULL;
}

int platform_kind_of_hex(const char *hex, char kind[PLATFORM_KIND_SIZE], struct error *err)
{
	size_t digits = strlen(hex);
	AUTO_FREE unsigned char *bytes = malloc(digits / 2 + 1);

	if (bytes == NULL)
		return error_no_memory(err);
	if (hex_decode(hex, digits, bytes) != 0)
		return error_set(err, EXIT_FAILED, "its attestation is no hex");
	return platform_kind(bytes, digits / 2, kind, err);
}

void platform_judge(const char *expected, const char *kind, struct findings *findings)
{
	static const enum check of_a_quote[] = {
	    CHECK_QUOTE_CHAIN, CHECK_QE_SIGNATURE,    CHECK_QE_BINDING,
	    CHECK_QE_IDENTITY, CHECK_QUOTE_SIGNATURE, CHECK_TD_POLICY,
	    CHECK_REPORT_DATA, CHECK_EVENT_LOG,	      CHECK_TCB,
	};

	for (size_t i = 0; i < sizeof(of_a_quote) / sizeof(*of_a_quote); i++)
		findings_skip(findings, of_a_quote[i], "there is no TDX quote");
	if (expected == NULL)
		findings_fail(findings, CHECK_QUOTE_LAYOUT,
			      "this is no TDX quote but dstack's attestation of a machine of the "
			      "kind %s, which cannot be judged here; if that is the machine that "
			      "you expect, --platform %s leaves it to another verifier",
			      kind, kind);
	else if (strcmp(expected, kind) != 0)
		findings_fail(findings, CHECK_QUOTE_LAYOUT,
			      "this is no TDX quote but dstack's attestation of a machine of the "
			      "kind %s, where %s was expected",
			      kind, expected);
	else
		findings_skip(findings, CHECK_QUOTE_LAYOUT,
			      "this is no TDX quote but dstack's attestation of a machine of the "
			      "kind %s, which cannot be judged here",
			      kind);
}
