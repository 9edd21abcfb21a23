#include "supervisor/verify/verify.h"

#include "common/digest.h"
#include "common/file.h"
#include "common/json.h"
#include "supervisor/verify/caa.h"
#include "supervisor/verify/fetch.h"
#include "supervisor/verify/judge.h"
#include "supervisor/verify/manifest.h"
#include "supervisor/verify/pcs.h"
#include "supervisor/verify/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the files that options name */

static int read_option_file(const char *option, const char *path, struct buffer *text,
			    struct error *err)
{
	if (file_read(path, text, err) == 0)
		return 0;
	err->code = EXIT_BAD_CONFIG;
	return error_wrap(err, "--%s", option);
}

static int read_root(struct verify_command *c, struct error *err)
{
	struct buffer pem;
	int rc;

	trust_anchor_intel(&c->judge.anchor);
	if (c->root == NULL)
		return 0;
	buffer_init(&pem, CHAIN_PEM_MAX);
	rc = read_option_file("root", c->root, &pem, err);
	if (rc == 0 &&
	    trust_anchor_from_pem(buffer_text(&pem), pem.length, &c->judge.anchor, err) != 0) {
		err->code = EXIT_BAD_CONFIG;
		rc = error_wrap(err, "--root %s", c->root);
	}
	buffer_free(&pem);
	return rc;
}

static int read_compose(struct verify_command *c, struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	struct buffer text;

	if (c->compose == NULL)
		return 0;
	if (c->judge.pins.hex[PIN_COMPOSE_HASH][0] != '\0')
		return error_set(err, EXIT_USAGE_ERROR,
				 "--compose and --compose-hash say the same: give one of them");
	buffer_init(&text, MATERIAL_FILE_MAX);
	int rc = read_option_file("compose", c->compose, &text, err);
	if (rc == 0)
		rc = digest_sha256_hex(buffer_text(&text), text.length, digest, err);
	if (rc == 0)
		rc = pin_set(&c->judge.pins, PIN_COMPOSE_HASH, digest, "--compose", err);
	buffer_free(&text);
	return rc;
}

/* Sets what the options have left open: they come before the policy. */
static int read_policy(struct verify_command *c, struct findings *findings, struct error *err)
{
	struct buffer text;

	if (c->policy == NULL)
		return 0;
	buffer_init(&text, POLICY_MAX);
	int rc = read_option_file("policy", c->policy, &text, err);
	if (rc == 0 && policy_read(buffer_text(&text), text.length, &c->judge.pins,
				   &c->judge.worst_tcb, c->has_tcb, findings, err) != 0)
		rc = error_wrap(err, "--policy %s", c->policy);
	buffer_free(&text);
	return rc;
}

static int write_policy(const struct verify_command *c, const struct attestation_result *result,
			const struct findings *findings, struct error *err)
{
	if (c->write_policy == NULL)
		return 0;
	if (!findings_good(findings))
		return error_set(err, EXIT_FAILED,
				 "no policy is written: it would accept what was refused");
	if (result->measurements.mrtd[0] == '\0')
		return error_set(err, EXIT_FAILED,
				 "no policy is written: there is no TDX quote to make one of");
	char *text = policy_write(result, err);
	if (text == NULL)
		return -1;
	int rc = file_write(c->write_policy, 0644, text, strlen(text), err);
	free(text);
	return rc;
}

static int read_files(struct verify_command *c, struct findings *findings, struct error *err)
{
	if (read_root(c, err) != 0 || read_compose(c, err) != 0 ||
	    read_policy(c, findings, err) != 0)
		return -1;
	if (c->ct != NULL) {
		c->judge.ct_list = &c->ct_text;
		if (read_option_file("ct", c->ct, &c->ct_text, err) != 0)
			return -1;
	}
	if (c->collateral == NULL)
		return 0;
	c->judge.collateral = &c->collateral_text;
	return read_option_file("collateral", c->collateral, &c->collateral_text, err);
}

/* ---- material */

static int gather(struct verify_command *c, struct material *material, struct error *err)
{
	if (c->dir != NULL)
		return material_load(material, c->dir, err);
	if (c->quote != NULL) {
		struct buffer *content = material_add(material, "quote.json", err);
		c->judge.bare_quote = true;
		return content == NULL ? -1 : read_option_file("quote", c->quote, content, err);
	}
	if (fetch_evidence(c->url, c->connect_to, material, err) != 0)
		return -1;
	return c->save == NULL ? 0 : material_save(material, c->save, err);
}

/* ---- the answer */

static bool add_details(cJSON *json, const struct attestation_result *result)
{
	const struct app_identity *id = &result->identity;
	const struct attestation_measurements *m = &result->measurements;
	cJSON *details = cJSON_AddObjectToObject(json, "details");
	cJSON *app = cJSON_AddObjectToObject(details, "app_info");
	bool made = cJSON_AddBoolToObject(details, "quote_verified",
					  result->findings[ATTESTATION_QUOTE_SIGNATURE].outcome ==
					      ATTESTATION_PASSED) != NULL &&
		    cJSON_AddBoolToObject(details, "event_log_verified",
					  result->findings[ATTESTATION_EVENT_LOG].outcome ==
					      ATTESTATION_PASSED) != NULL &&
		    cJSON_AddStringToObject(details, "report_data", m->report_data) != NULL &&
		    cJSON_AddStringToObject(app, "app_id", id->app_id) != NULL &&
		    cJSON_AddStringToObject(app, "compose_hash", id->compose_hash) != NULL &&
		    cJSON_AddStringToObject(app, "instance_id", id->instance_id) != NULL &&
		    cJSON_AddStringToObject(app, "os_image_hash", id->os_image_hash) != NULL &&
		    cJSON_AddStringToObject(details, "mrtd", m->mrtd) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr0", m->rtmr[0]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr1", m->rtmr[1]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr2", m->rtmr[2]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr3", m->rtmr[3]) != NULL;

	if (!made || !result->has_tcb)
		return made;
	cJSON *advisories = cJSON_AddArrayToObject(details, "advisory_ids");
	for (size_t i = 0; i < result->tcb.advisory_count; i++)
		cJSON_AddItemToArray(advisories, cJSON_CreateString(result->tcb.advisories[i]));
	return cJSON_AddStringToObject(details, "tcb_status",
				       tcb_status_name(result->tcb.status)) != NULL;
}

static int print_json(const struct findings *findings, const struct attestation_result *result,
		      struct error *err)
{
	AUTO_JSON cJSON *json = findings_json(findings);
	char *text = NULL;

	if (json == NULL || !add_details(json, result))
		return error_no_memory(err);
	text = json_print(json, true, err);
	if (text == NULL)
		return -1;
	puts(text);
	free(text);
	return 0;
}

/* Collateral is asked for by what the quote says of its platform, so only behind a first judgement;
 * where the platform's certificate was refused there is nothing to ask for. */
static int judge_by_pccs(struct verify_command *c, const struct material *material,
			 struct findings *findings, struct attestation_result *result,
			 struct error *err)
{
	const struct attestation_measurements *platform = &result->measurements;

	if (c->pccs == NULL || platform->pck_ca == NULL)
		return 0;
	if (pcs_fetch(c->pccs, c->pccs_ca, platform->fmspc, platform->pck_ca, &c->collateral_text,
		      err) != 0)
		return -1;
	c->judge.collateral = &c->collateral_text;
	memset(findings->list, 0, sizeof(findings->list));
	return judge(&c->judge, material, findings, result, err);
}

static int run(struct verify_command *c, struct findings *findings, struct error *err)
{
	struct attestation_result result;
	struct material material;
	int rc;

	material_init(&material);
	rc = read_files(c, findings, err);
	if (rc == 0)
		rc = gather(c, &material, err);
	if (rc == 0)
		rc = judge(&c->judge, &material, findings, &result, err);
	if (rc == 0)
		rc = judge_by_pccs(c, &material, findings, &result, err);
	if (rc == 0 && c->url != NULL)
		caa_judge(&material, findings);
	else if (rc == 0 && c->dir != NULL)
		findings_skip(findings, CHECK_CAA, "DNS is asked only when the site is");
	if (rc == 0 && c->json)
		rc = print_json(findings, &result, err);
	else if (rc == 0)
		findings_print(findings, stdout);
	if (rc == 0)
		rc = write_policy(c, &result, findings, err);
	material_free(&material);
	return rc;
}

void verify_init(struct verify_command *command)
{
	*command = (struct verify_command){
	    .judge = {.at = time(NULL), .worst_tcb = TCB_UP_TO_DATE},
	};
	buffer_init(&command->collateral_text, COLLATERAL_MAX);
	buffer_init(&command->ct_text, CT_LIST_MAX);
}

int verify_run(struct verify_command *command, const char *url, struct error *err)
{
	struct findings findings;

	findings_init(&findings);
	command->url = url;
	int rc = verify_check(command, err);
	if (rc == 0 && command->require != NULL)
		rc = findings_require(&findings, command->require, err);
	if (rc == 0)
		rc = run(command, &findings, err);
	buffer_free(&command->collateral_text);
	buffer_free(&command->ct_text);
	if (rc != 0)
		return -1;
	return findings_good(&findings) ? EXIT_OK : EXIT_FAILED;
}
