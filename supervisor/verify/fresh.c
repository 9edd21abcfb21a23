#include "supervisor/verify/fresh.h"

#include "common/attestation/report_data.h"
#include "common/hex.h"
#include "common/json.h"
#include "supervisor/verify/manifest.h"
#include "supervisor/verify/platform.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The answer taken apart; the texts belong to `json`. */
struct answer {
	cJSON *json;
	const char *nonce, *manifest, *quote, *event_log;
	const char *attestation; /* of a machine without quotes; then there is no quote */
};

static int read_members(struct answer *answer, struct error *err)
{
	const cJSON *quote = json_object(answer->json, "quote");
	answer->nonce = json_string(answer->json, "nonce");
	answer->manifest = json_string(answer->json, "manifest");
	answer->quote = json_string(quote, "quote");
	answer->event_log = json_string(quote, "event_log");
	answer->attestation = json_string(json_object(answer->json, "attestation"), "attestation");
	if (answer->nonce == NULL || answer->manifest == NULL ||
	    (answer->quote == NULL && answer->attestation == NULL))
		return error_set(err, EXIT_FAILED,
				 "attestation.json lacks its nonce, its manifest or its quote");
	return 0;
}

static int check_nonce(const struct answer *answer, const struct material *material,
		       struct error *err)
{
	if (material->nonce[0] == '\0')
		return error_set(err, EXIT_FAILED, "nobody knows which nonce was sent");
	if (strcasecmp(answer->nonce, material->nonce) != 0)
		return error_set(err, EXIT_FAILED,
				 "the answer is to another nonce than the one that was sent");
	return 0;
}

/* What the quote has to be over. */
static int expect(const struct answer *answer, const struct material *material,
		  unsigned char report_data[QUOTE_REPORT_DATA_SIZE], struct error *err)
{
	const struct buffer *sums = material_find(material, "sha256sum.txt");
	unsigned char nonce[NONCE_MAX];
	size_t digits = strlen(answer->nonce);

	if (check_nonce(answer, material, err) != 0)
		return -1;
	if (sums == NULL || digits > 2 * sizeof(nonce) ||
	    hex_decode(answer->nonce, digits, nonce) != 0)
		return error_set(err, EXIT_FAILED, "the nonce is no hex of %d to %d bytes",
				 NONCE_MIN, NONCE_MAX);
	return report_data_of_answer((struct text_span){buffer_text(sums), sums->length},
				     (struct text_span){answer->manifest, strlen(answer->manifest)},
				     (struct text_span){nonce, digits / 2}, report_data, err);
}

static int first_failure(const struct attestation_result *result, struct error *err)
{
	for (size_t i = 0; i < ATTESTATION_STEP_COUNT; i++)
		if (result->findings[i].outcome == ATTESTATION_FAILED)
			return error_set(err, EXIT_FAILED, "%s: %s",
					 attestation_step_name((enum attestation_step)i),
					 result->findings[i].text);
	return 0;
}

static int compare(const struct attestation_result *fresh, const struct attestation_result *seen,
		   struct error *err)
{
	if (memcmp(&fresh->identity, &seen->identity, sizeof(seen->identity)) != 0 ||
	    strcmp(fresh->measurements.mrtd, seen->measurements.mrtd) != 0 ||
	    memcmp(fresh->measurements.rtmr, seen->measurements.rtmr,
		   sizeof(seen->measurements.rtmr[0]) * (RTMR_COUNT - 1)) != 0)
		return error_set(err, EXIT_FAILED,
				 "it comes from another app or machine than quote.json");
	return 0;
}

static int verify_quote(const struct judge_options *options, const struct material *material,
			const struct answer *answer, const struct attestation_result *seen,
			struct error *err)
{
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
	struct attestation_result result;
	size_t length = strlen(answer->quote) / 2;
	unsigned char *quote = malloc(length + 1);
	struct attestation_input input = {
	    .quote = quote,
	    .quote_length = length,
	    .anchor = &options->anchor,
	    .at = options->at,
	    .report_data = report_data,
	    .event_log = answer->event_log,
	    .event_log_length = answer->event_log == NULL ? 0 : strlen(answer->event_log),
	    .worst_tcb = options->worst_tcb,
	};
	int rc = -1;

	if (options->collateral != NULL) {
		input.collateral = buffer_text(options->collateral);
		input.collateral_length = options->collateral->length;
	}
	if (quote == NULL)
		error_no_memory(err);
	else if (hex_decode(answer->quote, strlen(answer->quote), quote) != 0)
		error_set(err, EXIT_FAILED, "its quote is no hex");
	else if (expect(answer, material, report_data, err) == 0)
		rc = attestation_verify(&input, &result) ? compare(&result, seen, err)
							 : first_failure(&result, err);
	free(quote);
	return rc;
}

static int judge_manifest(const struct judge_options *options, const struct material *material,
			  const struct answer *answer, struct findings *findings, struct error *err)
{
	struct error why = ERROR_INIT;
	AUTO_JSON cJSON *manifest =
	    manifest_parse(answer->manifest, strlen(answer->manifest), &why);

	if (manifest == NULL) {
		findings_fail(findings, CHECK_MANIFEST, "%s", why.text);
		return 0;
	}
	manifest_judge_certificate(manifest, material->host, &material->live_chain, findings);
	if (options->ct_list == NULL)
		return 0;
	return manifest_judge_ct(manifest, material->host, options->ct_list, findings, err);
}

/* An answer without a quote: it can be wrong, but not right. */
static void judge_attestation(const struct material *material, const struct answer *answer,
			      struct findings *findings)
{
	char kind[PLATFORM_KIND_SIZE];
	struct error why = ERROR_INIT;

	if (check_nonce(answer, material, &why) != 0 ||
	    platform_kind_of_hex(answer->attestation, kind, &why) != 0)
		findings_fail(findings, CHECK_FRESH, "%s", why.text);
	else if (material_find(material, "quote.json") != NULL)
		findings_fail(findings, CHECK_FRESH,
			      "it comes from a machine of the kind %s, and quote.json from another",
			      kind);
	else
		findings_skip(
		    findings, CHECK_FRESH,
		    "the answer has an attestation of the kind %s, which cannot be judged "
		    "here",
		    kind);
}

static int judge_answer(const struct judge_options *options, const struct material *material,
			struct answer *answer, const struct attestation_result *seen,
			struct findings *findings, struct error *err)
{
	struct error why = ERROR_INIT;

	if (platform_is_published(answer->json)) {
		findings_skip(findings, CHECK_FRESH, "the site was asked no question");
		return 0;
	}
	int rc = read_members(answer, &why);
	if (rc == 0 && answer->quote == NULL) {
		judge_attestation(material, answer, findings);
		return 0;
	}
	if (rc != 0 || verify_quote(options, material, answer, seen, &why) != 0) {
		findings_fail(findings, CHECK_FRESH, "%s", why.text);
		return 0;
	}
	findings_pass(findings, CHECK_FRESH, "nonce %.16s...", answer->nonce);
	return judge_manifest(options, material, answer, findings, err);
}

int fresh_judge(const struct judge_options *options, const struct material *material,
		const struct attestation_result *seen, struct findings *findings, struct error *err)
{
	const struct buffer *text = material_find(material, "attestation.json");
	struct answer answer = {0};
	struct error why = ERROR_INIT;
	int rc = 0;

	findings_skip(findings, CHECK_CT,
		      "no list of a CT log was given (--ct), or there is no history to hold it "
		      "against");
	findings_skip(findings, CHECK_MANIFEST, "there is no manifest that could be believed");
	if (text == NULL) {
		findings_skip(findings, CHECK_FRESH, "the site answers no questions");
		return 0;
	}
	answer.json = json_parse(buffer_text(text), text->length, "attestation.json", &why);
	if (answer.json == NULL)
		findings_fail(findings, CHECK_FRESH, "%s", why.text);
	else
		rc = judge_answer(options, material, &answer, seen, findings, err);
	cJSON_Delete(answer.json);
	return rc;
}
