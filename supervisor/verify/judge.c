#include "supervisor/verify/judge.h"

#include "common/attestation/report_data.h"
#include "common/digest.h"
#include "common/hex.h"
#include "common/json.h"
#include "supervisor/verify/fresh.h"
#include "supervisor/verify/platform.h"
#include "supervisor/verify/site_certificate.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_COLUMNS = 66 };

/* ---- checksums */

static const char *check_line(const struct material *material, const char *line)
{
	char digest[SHA256_HEX_SIZE];
	struct error ignored = ERROR_INIT;

	if (strlen(line) <= DIGEST_COLUMNS || memcmp(line + 64, "  ", 2) != 0)
		return "a line is not as sha256sum writes it";
	const struct buffer *file = material_find(material, line + DIGEST_COLUMNS);
	if (file == NULL)
		return "a listed file is missing";
	if (digest_sha256_hex(buffer_text(file), file->length, digest, &ignored) != 0 ||
	    memcmp(digest, line, 64) != 0)
		return "a file has another digest";
	return NULL;
}

static int check_sums(const struct material *material, struct findings *findings, struct error *err)
{
	const struct buffer *sums = material_find(material, "sha256sum.txt");
	char *text, *rest, *line;
	size_t files = 0;

	if (sums == NULL || sums->length == 0) {
		findings_fail(findings, CHECK_CHECKSUMS, "there is no sha256sum.txt");
		return 0;
	}
	text = rest = strdup(buffer_text(sums));
	if (text == NULL)
		return error_no_memory(err);
	findings_pass(findings, CHECK_CHECKSUMS, " ");
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *fault = line[0] == '\0' ? NULL : check_line(material, line);
		files += line[0] != '\0';
		if (fault != NULL) {
			findings_fail(findings, CHECK_CHECKSUMS, "%s: %s", fault, line);
			break;
		}
	}
	if (findings->list[CHECK_CHECKSUMS].outcome == OUTCOME_PASSED)
		findings_pass(findings, CHECK_CHECKSUMS, "%zu file%s", files,
			      files == 1 ? "" : "s");
	free(text);
	return 0;
}

/* ---- the quote */

/* A step of the library and the line that reports it. */
static const struct {
	enum attestation_step step;
	enum check check;
} steps[] = {
    {ATTESTATION_LAYOUT, CHECK_QUOTE_LAYOUT},
    {ATTESTATION_CHAIN, CHECK_QUOTE_CHAIN},
    {ATTESTATION_QE_SIGNATURE, CHECK_QE_SIGNATURE},
    {ATTESTATION_QE_BINDING, CHECK_QE_BINDING},
    {ATTESTATION_QE_IDENTITY, CHECK_QE_IDENTITY},
    {ATTESTATION_QUOTE_SIGNATURE, CHECK_QUOTE_SIGNATURE},
    {ATTESTATION_TD_POLICY, CHECK_TD_POLICY},
    {ATTESTATION_REPORT_DATA, CHECK_REPORT_DATA},
    {ATTESTATION_EVENT_LOG, CHECK_EVENT_LOG},
    {ATTESTATION_TCB, CHECK_TCB},
};

static void report_steps(const struct attestation_result *result, struct findings *findings)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct attestation_finding *finding = &result->findings[steps[i].step];
		if (finding->outcome == ATTESTATION_PASSED)
			findings_pass(findings, steps[i].check, "%s", finding->text);
		else if (finding->outcome == ATTESTATION_FAILED)
			findings_fail(findings, steps[i].check, "%s", finding->text);
		else
			findings_skip(findings, steps[i].check, "%s", finding->text);
	}
	if (result->has_tcb && result->findings[ATTESTATION_TCB].outcome == ATTESTATION_PASSED)
		findings_pass(findings, CHECK_TCB, "%s", tcb_status_name(result->tcb.status));
}

static int verify_bytes(const struct judge_options *options, const struct material *material,
			const unsigned char *quote, size_t length, const char *event_log,
			struct attestation_result *result, struct error *err)
{
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
	const struct buffer *sums = material_find(material, "sha256sum.txt");
	struct attestation_input input = {
	    .quote = quote,
	    .quote_length = length,
	    .anchor = &options->anchor,
	    .at = options->at,
	    .event_log = event_log,
	    .event_log_length = event_log == NULL ? 0 : strlen(event_log),
	    .worst_tcb = options->worst_tcb,
	};

	if (options->collateral != NULL) {
		input.collateral = buffer_text(options->collateral);
		input.collateral_length = options->collateral->length;
	}
	if (!options->bare_quote) {
		if (report_data_of_files((struct text_span){sums == NULL ? "" : buffer_text(sums),
							    sums == NULL ? 0 : sums->length},
					 report_data, err) != 0)
			return -1;
		input.report_data = report_data;
	}
	attestation_verify(&input, result);
	return 0;
}

/* A quote, or an attestation in the place of one. */
static int judge_bytes(const struct judge_options *options, const struct material *material,
		       struct text_span bytes, const char *event_log, struct findings *findings,
		       struct attestation_result *result, struct error *err)
{
	const unsigned char *quote = bytes.data;
	char kind[PLATFORM_KIND_SIZE];
	struct error ignored = ERROR_INIT;

	if (verify_bytes(options, material, quote, bytes.length, event_log, result, err) != 0)
		return -1;
	report_steps(result, findings);
	if (findings->list[CHECK_QUOTE_LAYOUT].outcome == OUTCOME_FAILED &&
	    platform_kind(quote, bytes.length, kind, &ignored) == 0)
		platform_judge(options->platform, kind, findings);
	return 0;
}

/* The hex in an answer of the guest agent's: GetQuote's, tappd's, or Attest's. */
static const char *hex_of(const cJSON *answer)
{
	const char *quote = json_string(answer, "quote");

	return quote != NULL ? quote : json_string(answer, "attestation");
}

/* A quote may be given as JSON, as hex, or as bytes. */
static int verify_quote(const struct judge_options *options, const struct material *material,
			const struct buffer *file, struct findings *findings,
			struct attestation_result *result, struct error *err)
{
	const char *text = buffer_text(file);
	struct error why = ERROR_INIT;
	AUTO_JSON cJSON *json =
	    text[0] == '{' ? json_parse(text, file->length, "the quote", &why) : NULL;
	const char *hex = json == NULL ? text : hex_of(json);
	const char *event_log = json == NULL ? NULL : json_string(json, "event_log");
	size_t digits = hex == NULL ? 0 : strspn(hex, "0123456789abcdefABCDEF");
	int rc;

	if (text[0] == '{' && digits == 0) {
		findings_fail(findings, CHECK_QUOTE_LAYOUT, "%s",
			      json == NULL ? why.text : "the JSON has no \"quote\" in hex");
		return 0;
	}
	if (digits == 0 || (hex[digits] != '\0' && strspn(hex + digits, " \r\n") == 0)) {
		rc = judge_bytes(options, material, (struct text_span){text, file->length}, NULL,
				 findings, result, err);
	} else {
		unsigned char *bytes = malloc(digits / 2 + 1);
		if (bytes == NULL)
			return error_no_memory(err);
		rc = hex_decode(hex, digits / 2 * 2, bytes);
		rc = judge_bytes(options, material, (struct text_span){bytes, digits / 2},
				 event_log, findings, result, err);
		free(bytes);
	}
	return rc;
}

/* ---- pins */

static void check_pin(struct findings *findings, enum check check, enum pin pin,
		      const struct pins *pins, const char *seen, bool known)
{
	const char *pinned = pins->hex[pin];

	if (pinned[0] == '\0')
		findings_skip(findings, check, "not pinned; seen: %s",
			      known && seen[0] != '\0' ? seen : "nothing");
	else if (!known)
		findings_fail(findings, check, "there is no event log that could be believed");
	else if (strcmp(pinned, seen) == 0)
		findings_pass(findings, check, "%s", seen);
	else
		findings_fail(findings, check, "expected %s, seen %s", pinned,
			      seen[0] == '\0' ? "nothing" : seen);
}

static void check_measurements(const struct pins *pins, const struct attestation_result *result,
			       struct findings *findings)
{
	const struct {
		enum pin pin;
		const char *seen;
	} list[] = {
	    {PIN_MRTD, result->measurements.mrtd},
	    {PIN_RTMR0, result->measurements.rtmr[0]},
	    {PIN_RTMR1, result->measurements.rtmr[1]},
	    {PIN_RTMR2, result->measurements.rtmr[2]},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		const char *pinned = pins->hex[list[i].pin];
		if (pinned[0] != '\0' && strcmp(pinned, list[i].seen) != 0) {
			findings_fail(findings, CHECK_MEASUREMENTS, "%s: expected %s, seen %s",
				      pin_name(list[i].pin), pinned, list[i].seen);
			return;
		}
	}
	if (pins->hex[PIN_MRTD][0] != '\0' && pins->hex[PIN_RTMR1][0] != '\0' &&
	    pins->hex[PIN_RTMR2][0] != '\0')
		findings_pass(findings, CHECK_MEASUREMENTS, "as pinned");
	else
		findings_skip(findings, CHECK_MEASUREMENTS,
			      "the OS image is not pinned: mrtd, rtmr1 and rtmr2 have to be; what "
			      "the event log says is worth no more than the OS that wrote it");
}

static void check_pins(const struct judge_options *options, const struct attestation_result *result,
		       struct findings *findings)
{
	const struct pins *pins = &options->pins;
	const struct app_identity *id = &result->identity;
	bool known = result->findings[ATTESTATION_EVENT_LOG].outcome == ATTESTATION_PASSED;

	check_pin(findings, CHECK_APP_ID, PIN_APP_ID, pins, id->app_id, known);
	check_pin(findings, CHECK_COMPOSE_HASH, PIN_COMPOSE_HASH, pins, id->compose_hash, known);
	check_pin(findings, CHECK_OS_IMAGE, PIN_OS_IMAGE_HASH, pins, id->os_image_hash, known);
	if (result->findings[ATTESTATION_QUOTE_SIGNATURE].outcome == ATTESTATION_PASSED)
		check_measurements(pins, result, findings);
	else
		findings_skip(findings, CHECK_MEASUREMENTS, "the quote cannot be believed");
}

/* ---- the whole */

int judge(const struct judge_options *options, const struct material *material,
	  struct findings *findings, struct attestation_result *attestation, struct error *err)
{
	const struct buffer *quote = platform_find_proof(material);

	*attestation = (struct attestation_result){0};
	if (options->bare_quote) {
		findings_skip(findings, CHECK_CHECKSUMS, "only a quote was given");
		findings_skip(findings, CHECK_TLS_CHAIN, "only a quote was given");
		findings_skip(findings, CHECK_LIVE_CERTIFICATE, "only a quote was given");
		findings_skip(findings, CHECK_FRESH, "only a quote was given");
		findings_skip(findings, CHECK_MANIFEST, "only a quote was given");
		findings_skip(findings, CHECK_CAA, "only a quote was given");
		findings_skip(findings, CHECK_CT, "only a quote was given");
	} else if (site_certificate_judge(material, options->ca_file, options->at, findings, err) !=
		       0 ||
		   check_sums(material, findings, err) != 0) {
		return -1;
	}
	if (quote == NULL) {
		findings_fail(findings, CHECK_QUOTE_LAYOUT, "there is no quote.json");
		return 0;
	}
	if (verify_quote(options, material, quote, findings, attestation, err) != 0)
		return -1;
	check_pins(options, attestation, findings);
	return options->bare_quote ? 0 : fresh_judge(options, material, attestation, findings, err);
}
