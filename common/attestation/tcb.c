#include "common/attestation/tcb.h"

#include "common/attestation/byte_reader.h"
#include "common/attestation/qe.h"
#include "common/hex.h"
#include "common/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const status_names[TCB_STATUS_COUNT] = {
    [TCB_UP_TO_DATE] = "UpToDate",
    [TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [TCB_OUT_OF_DATE] = "OutOfDate",
    [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [TCB_REVOKED] = "Revoked",
};

const char *tcb_status_name(enum tcb_status status)
{
	return status < TCB_STATUS_COUNT ? status_names[status] : "Unknown";
}

enum tcb_status tcb_status_from_name(const char *name)
{
	unsigned i = 0;

	while (i < TCB_STATUS_COUNT && strcmp(status_names[i], name) != 0)
		i++;
	return (enum tcb_status)i;
}

/* ---- a level that matched */

static void add_advisory(struct tcb_verdict *verdict, const char *id)
{
	for (size_t i = 0; i < verdict->advisory_count; i++)
		if (strcmp(verdict->advisories[i], id) == 0)
			return;
	if (verdict->advisory_count < TCB_ADVISORIES_MAX)
		snprintf(verdict->advisories[verdict->advisory_count++], TCB_ADVISORY_SIZE, "%s",
			 id);
}

/* Its status and advisories into the verdict: the worst status counts. */
static int add_level(const cJSON *level, const char *what, struct tcb_verdict *verdict,
		     struct error *err)
{
	const char *name = json_string(level, "tcbStatus");
	enum tcb_status status = name == NULL ? TCB_STATUS_COUNT : tcb_status_from_name(name);
	const cJSON *id;

	if (status == TCB_STATUS_COUNT)
		return error_set(err, EXIT_FAILED,
				 "the collateral gives the %s the status \"%.40s\", which is not "
				 "known",
				 what, name == NULL ? "" : name);
	if (status > verdict->status)
		verdict->status = status;
	cJSON_ArrayForEach(id, json_array(level, "advisoryIDs")) if (cJSON_IsString(id))
	    add_advisory(verdict, id->valuestring);
	return 0;
}

/* ---- the platform */

/* Each of `seen` is at least what the array of {"svn": N} asks for, from `first` on. */
static bool reaches(const cJSON *components, const unsigned char *seen, int first)
{
	if (cJSON_GetArraySize(components) != CPUSVN_COUNT)
		return false;
	for (int i = first; i < CPUSVN_COUNT; i++) {
		long long wanted = json_integer(cJSON_GetArrayItem(components, i), "svn", 0x100);
		if (seen[i] < wanted)
			return false;
	}
	return true;
}

/* Components 0 and 1 are the TDX module's versions; from its version 1 on, what Intel thinks of
 * them stands in tdxModuleIdentities. */
static bool has_module_identity(const struct tcb_evidence *evidence)
{
	return evidence->td->tee_tcb_svn[1] > 0;
}

static bool level_matches(const cJSON *level, const struct tcb_evidence *evidence)
{
	const cJSON *tcb = json_object(level, "tcb");

	return reaches(json_array(tcb, "sgxtcbcomponents"), evidence->platform->cpusvn, 0) &&
	       evidence->platform->pcesvn >= json_integer(tcb, "pcesvn", 0x10000) &&
	       reaches(json_array(tcb, "tdxtcbcomponents"), evidence->td->tee_tcb_svn,
		       has_module_identity(evidence) ? 2 : 0);
}

static int judge_platform(const cJSON *tcb_info, const struct tcb_evidence *evidence,
			  struct tcb_verdict *verdict, struct error *err)
{
	const cJSON *level;

	cJSON_ArrayForEach(
	    level,
	    json_array(tcb_info,
		       "tcbLevels")) if (level_matches(level,
						       evidence)) return add_level(level,
										   "platform",
										   verdict, err);
	return error_set(err, EXIT_FAILED,
			 "the platform's versions reach none of the levels in Intel's TCB info");
}

/* ---- the TDX module and the quoting enclave: levels by one number */

static int judge_version(const cJSON *levels, unsigned version, const char *what,
			 struct tcb_verdict *verdict, struct error *err)
{
	const cJSON *level;

	cJSON_ArrayForEach(level, levels)
	{
		long long least = json_integer(json_object(level, "tcb"), "isvsvn", 0x10000);
		if (version >= least)
			return add_level(level, what, verdict, err);
	}
	return error_set(err, EXIT_FAILED,
			 "the %s has version %u, which reaches none of Intel's levels", what,
			 version);
}

/* Whether `seen` has the value of the member `name` (hex), in those bits that the member
 * `mask_name` has. */
static bool masked_equal(const cJSON *object, const char *name, const char *mask_name,
			 const unsigned char *seen, size_t size)
{
	unsigned char wanted[MEASUREMENT_SIZE], mask[MEASUREMENT_SIZE];
	const char *hex = json_string(object, name);
	const char *mask_hex = mask_name == NULL ? NULL : json_string(object, mask_name);

	if (hex == NULL || strlen(hex) != 2 * size || hex_decode(hex, 2 * size, wanted) != 0)
		return false;
	if (mask_name == NULL)
		memset(mask, 0xff, sizeof(mask));
	else if (mask_hex == NULL || strlen(mask_hex) != 2 * size ||
		 hex_decode(mask_hex, 2 * size, mask) != 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((seen[i] & mask[i]) != (wanted[i] & mask[i]))
			return false;
	return true;
}

static int judge_module(const cJSON *tcb_info, const struct tcb_evidence *evidence,
			struct tcb_verdict *verdict, struct error *err)
{
	const cJSON *identity = json_object(tcb_info, "tdxModule");
	const cJSON *other;
	char id[16];

	if (has_module_identity(evidence)) {
		snprintf(id, sizeof(id), "TDX_%02X", evidence->td->tee_tcb_svn[1]);
		identity = NULL;
		cJSON_ArrayForEach(other, json_array(tcb_info, "tdxModuleIdentities"))
		{
			const char *name = json_string(other, "id");
			if (identity == NULL && name != NULL && strcasecmp(name, id) == 0)
				identity = other;
		}
		if (identity == NULL)
			return error_set(err, EXIT_FAILED,
					 "Intel's TCB info does not know the TDX module %s", id);
	}
	if (!masked_equal(identity, "mrsigner", NULL, evidence->td->mr_signer_seam,
			  MEASUREMENT_SIZE) ||
	    !masked_equal(identity, "attributes", "attributesMask", evidence->td->seam_attributes,
			  SEAM_ATTRIBUTES_SIZE))
		return error_set(err, EXIT_FAILED,
				 "the TDX module's signer or attributes are not those of Intel's "
				 "TCB info");
	if (!has_module_identity(evidence))
		return 0;
	return judge_version(json_array(identity, "tcbLevels"), evidence->td->tee_tcb_svn[0],
			     "TDX module", verdict, err);
}

static int judge_qe(const cJSON *identity, const struct quote_signature *signature,
		    struct tcb_verdict *verdict, struct error *err)
{
	const unsigned char *report = signature->qe_report;

	/* MISCSELECT is a number: its bytes stand in the order of the report. */
	if (!masked_equal(identity, "mrsigner", NULL, report + QE_MRSIGNER_OFFSET,
			  QE_MRSIGNER_SIZE) ||
	    !masked_equal(identity, "attributes", "attributesMask", report + QE_ATTRIBUTES_OFFSET,
			  QE_ATTRIBUTES_SIZE) ||
	    !masked_equal(identity, "miscselect", "miscselectMask", report + QE_MISCSELECT_OFFSET,
			  4) ||
	    json_integer(identity, "isvprodid", -1) != bytes_u16(report + QE_ISVPRODID_OFFSET))
		return error_set(err, EXIT_FAILED,
				 "the quoting enclave is not the one of Intel's QE identity");
	return judge_version(json_array(identity, "tcbLevels"),
			     bytes_u16(report + QE_ISVSVN_OFFSET), "quoting enclave", verdict, err);
}

int tcb_judge(const struct collateral *collateral, const struct tcb_evidence *evidence,
	      struct tcb_verdict *verdict, struct error *err)
{
	const cJSON *tcb_info = collateral->tcb_info.json;
	const struct pck_platform *platform = evidence->platform;

	*verdict = (struct tcb_verdict){.status = TCB_UP_TO_DATE};
	if (!masked_equal(tcb_info, "fmspc", NULL, platform->fmspc, FMSPC_SIZE) ||
	    !masked_equal(tcb_info, "pceId", NULL, platform->pceid, PCEID_SIZE))
		return error_set(
		    err, EXIT_FAILED,
		    "the collateral is for platforms of another kind (FMSPC %.20s)",
		    json_string(tcb_info, "fmspc") == NULL ? "" : json_string(tcb_info, "fmspc"));
	if (judge_platform(tcb_info, evidence, verdict, err) != 0 ||
	    judge_module(tcb_info, evidence, verdict, err) != 0 ||
	    judge_qe(collateral->qe_identity.json, evidence->signature, verdict, err) != 0)
		return -1;
	if (verdict->status == TCB_REVOKED)
		return error_set(err, EXIT_FAILED, "Intel has revoked this platform's TCB level");
	return 0;
}
