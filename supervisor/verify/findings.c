#include "supervisor/verify/findings.h"

#include "common/text.h"

#include <stdarg.h>
#include <string.h>

static const struct {
	const char *name, *proves;
} checks[CHECK_COUNT] = {
    [CHECK_TLS_CHAIN] = {"tls-chain", "a public CA gave this name to the key that answered"},
    [CHECK_LIVE_CERTIFICATE] = {"live-certificate",
				"the evidence is about the certificate that answered"},
    [CHECK_CHECKSUMS] = {"checksums", "sha256sum.txt is about these very files"},
    [CHECK_QUOTE_LAYOUT] = {"quote-layout", "it is a TDX quote"},
    [CHECK_QUOTE_CHAIN] = {"quote-chain", "Intel vouches for the machine"},
    [CHECK_QE_SIGNATURE] = {"qe-signature", "the machine vouches for its quoting enclave"},
    [CHECK_QE_BINDING] = {"qe-binding", "the enclave vouches for the key that signed"},
    [CHECK_QE_IDENTITY] = {"qe-identity", "the enclave is Intel's"},
    [CHECK_QUOTE_SIGNATURE] = {"quote-signature", "nobody changed the quote"},
    [CHECK_TD_POLICY] = {"td-policy", "the host cannot debug or migrate the machine"},
    [CHECK_REPORT_DATA] = {"report-data", "the quote was made over sha256sum.txt"},
    [CHECK_EVENT_LOG] = {"event-log", "the log tells what the machine measured"},
    [CHECK_FRESH] = {"fresh-quote", "it was the machine itself that answered just now"},
    [CHECK_MANIFEST] = {"manifest", "the machine itself names the certificate that answered"},
    [CHECK_APP_ID] = {"app-id", "it is the app that you expect"},
    [CHECK_COMPOSE_HASH] = {"compose-hash", "it runs the compose file that you expect"},
    [CHECK_OS_IMAGE] = {"os-image", "it runs the OS image that you expect"},
    [CHECK_MEASUREMENTS] = {"measurements", "firmware and kernel are those that you expect"},
    [CHECK_TCB] = {"tcb", "the machine's firmware has no known holes"},
    [CHECK_CAA] = {"caa", "only the app's ACME account may have certificates for the name"},
    [CHECK_CT] = {"ct", "every certificate for the name was made by this deployment"},
};

static const char *const outcome_names[] = {
    [OUTCOME_NOT_CHECKED] = "not checked",
    [OUTCOME_PASSED] = "passed",
    [OUTCOME_FAILED] = "failed",
};

void findings_init(struct findings *findings)
{
	*findings = (struct findings){0};
}

__attribute__((format(printf, 4, 0))) static void set(struct findings *findings, enum check check,
						      enum outcome outcome, const char *format,
						      va_list arguments)
{
	struct finding *finding = &findings->list[check];
	char text[sizeof(finding->text)];

	finding->outcome = outcome;
	vsnprintf(text, sizeof(text), format, arguments);
	if (text[text_escape(text, finding->text, sizeof(finding->text))] != '\0')
		text_end_in_dots(finding->text, sizeof(finding->text));
}

#define SETTER(name, outcome)                                                           \
	void name(struct findings *findings, enum check check, const char *format, ...) \
	{                                                                               \
		va_list arguments;                                                      \
                                                                                        \
		va_start(arguments, format);                                            \
		set(findings, check, outcome, format, arguments);                       \
		va_end(arguments);                                                      \
	}

SETTER(findings_pass, OUTCOME_PASSED)
SETTER(findings_fail, OUTCOME_FAILED)
SETTER(findings_skip, OUTCOME_NOT_CHECKED)

static int require_one(struct findings *findings, const char *name, size_t length,
		       struct error *err)
{
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (strlen(checks[i].name) == length && memcmp(checks[i].name, name, length) == 0) {
			findings->required[i] = true;
			return 0;
		}
	return error_set(err, EXIT_USAGE_ERROR,
			 "--require: \"%.*s\" is no check; it takes all, or names of the report's "
			 "lines (tls-chain, ...) with commas between",
			 (int)length, name);
}

int findings_require(struct findings *findings, const char *text, struct error *err)
{
	if (strcmp(text, "all") == 0) {
		for (size_t i = 0; i < CHECK_COUNT; i++)
			findings->required[i] = true;
		return 0;
	}
	for (;;) {
		size_t length = strcspn(text, ",");
		if (require_one(findings, text, length, err) != 0)
			return -1;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

static bool is_bad(const struct findings *findings, size_t i)
{
	enum outcome outcome = findings->list[i].outcome;

	return outcome == OUTCOME_FAILED ||
	       (outcome == OUTCOME_NOT_CHECKED && findings->required[i]);
}

bool findings_good(const struct findings *findings)
{
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (is_bad(findings, i))
			return false;
	return true;
}

static size_t first_bad(const struct findings *findings)
{
	size_t i = 0;

	while (i < CHECK_COUNT && !is_bad(findings, i))
		i++;
	return i;
}

static void print_unchecked(const struct findings *findings, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct finding *finding = &findings->list[i];
		if (finding->outcome != OUTCOME_NOT_CHECKED)
			continue;
		if (!any)
			fputs("\nNot checked:\n", out);
		any = true;
		fprintf(out, "  %-17s %s%s%s\n", checks[i].name, finding->text,
			finding->text[0] != '\0' ? "; " : "",
			findings->required[i] ? "it is required" : "it would prove that");
		if (!findings->required[i])
			fprintf(out, "  %-17s %s\n", "", checks[i].proves);
	}
}

void findings_print(const struct findings *findings, FILE *out)
{
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct finding *finding = &findings->list[i];
		if (finding->outcome == OUTCOME_NOT_CHECKED)
			continue;
		fprintf(out, "%-7s %-17s %s\n", outcome_names[finding->outcome], checks[i].name,
			checks[i].proves);
		if (finding->text[0] != '\0')
			fprintf(out, "%-7s %-17s   %s\n", "", "", finding->text);
	}
	size_t bad = first_bad(findings);
	if (bad == CHECK_COUNT)
		fputs("\nVerdict: nothing failed.\n", out);
	else
		fprintf(out, "\nVerdict: REFUSED, since %s %s.\n", checks[bad].name,
			findings->list[bad].outcome == OUTCOME_FAILED ? "failed"
								      : "was not checked");
	print_unchecked(findings, out);
}

static bool add_check(cJSON *object, const struct findings *findings, size_t i)
{
	const struct finding *finding = &findings->list[i];
	cJSON *item = cJSON_AddObjectToObject(object, checks[i].name);

	return cJSON_AddStringToObject(item, "outcome", outcome_names[finding->outcome]) != NULL &&
	       cJSON_AddStringToObject(item, "proves", checks[i].proves) != NULL &&
	       cJSON_AddStringToObject(item, "detail", finding->text) != NULL;
}

cJSON *findings_json(const struct findings *findings)
{
	size_t bad = first_bad(findings);
	cJSON *json = cJSON_CreateObject();
	bool made = cJSON_AddBoolToObject(json, "is_valid", bad == CHECK_COUNT) != NULL;
	char reason[ERROR_TEXT_MAX + 64];

	if (made && bad == CHECK_COUNT) {
		made = cJSON_AddNullToObject(json, "reason") != NULL;
	} else if (made) {
		snprintf(reason, sizeof(reason), "%s: %s", checks[bad].name,
			 findings->list[bad].text);
		made = cJSON_AddStringToObject(json, "reason", reason) != NULL;
	}
	cJSON *list = made ? cJSON_AddObjectToObject(json, "checks") : NULL;
	made = list != NULL;
	for (size_t i = 0; made && i < CHECK_COUNT; i++)
		made = add_check(list, findings, i);
	if (made)
		return json;
	cJSON_Delete(json);
	return NULL;
}
