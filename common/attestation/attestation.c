#include "common/attestation/attestation.h"

#include "common/attestation/p256.h"
#include "common/attestation/qe.h"
#include "common/hex.h"

#include <stdio.h>
#include <string.h>

/* What the steps hand on to one another. */
struct verification {
	const struct attestation_input *input;
	struct attestation_result *result;
	struct quote quote;
	struct quote_signature signature;
	struct td_report td;
	struct intel_chain chain;
	struct pck_platform platform;
	struct collateral *collateral;
	bool collateral_good;
	char collateral_error[ERROR_TEXT_MAX];
};

static bool passed(const struct verification *v, enum attestation_step step)
{
	return v->result->findings[step].outcome == ATTESTATION_PASSED;
}

static void record(struct verification *v, enum attestation_step step, int rc,
		   const struct error *err)
{
	struct attestation_finding *finding = &v->result->findings[step];

	finding->outcome = rc == 0 ? ATTESTATION_PASSED : ATTESTATION_FAILED;
	snprintf(finding->text, sizeof(finding->text), "%s", rc == 0 ? "" : err->text);
}

static void leave_out(struct verification *v, enum attestation_step step, const char *why)
{
	struct attestation_finding *finding = &v->result->findings[step];

	finding->outcome = ATTESTATION_NOT_CHECKED;
	snprintf(finding->text, sizeof(finding->text), "%s", why);
}

/* ---- the steps */

static void note_measurements(struct verification *v)
{
	struct attestation_measurements *m = &v->result->measurements;

	td_report_read(&v->quote, &v->td);
	hex_encode(v->td.mrtd, MEASUREMENT_SIZE, m->mrtd);
	for (size_t i = 0; i < RTMR_COUNT; i++)
		hex_encode(v->td.rtmr[i], MEASUREMENT_SIZE, m->rtmr[i]);
	hex_encode(v->td.report_data, QUOTE_REPORT_DATA_SIZE, m->report_data);
}

static void check_layout(struct verification *v)
{
	struct error err = ERROR_INIT;
	int rc = quote_parse(v->input->quote, v->input->quote_length, &v->quote, &err);

	if (rc == 0) {
		note_measurements(v);
		rc = quote_signature_parse(&v->quote, &v->signature, &err);
	}
	record(v, ATTESTATION_LAYOUT, rc, &err);
}

/* First of all that needs it: the chain is held against its lists of what is revoked. */
static void read_collateral(struct verification *v)
{
	struct error err = ERROR_INIT;

	if (v->input->collateral == NULL)
		return;
	v->collateral = collateral_parse(v->input->collateral, v->input->collateral_length, &err);
	v->collateral_good =
	    v->collateral != NULL &&
	    collateral_verify(v->collateral, v->input->anchor, v->input->at, &err) == 0;
	snprintf(v->collateral_error, sizeof(v->collateral_error), "%s", err.text);
}

static void check_chain(struct verification *v)
{
	const struct quote_part *pem = &v->signature.chain_pem;
	struct error err = ERROR_INIT;
	int rc = intel_chain_parse((const char *)pem->data, pem->length, 3, CHAIN_WRITTEN_EXACTLY,
				   "quote's certificate chain", &v->chain, &err);

	if (rc == 0)
		rc = intel_chain_verify(&v->chain, v->input->anchor,
					v->collateral_good ? &v->collateral->revocation : NULL,
					v->input->at, &err);
	if (rc == 0)
		rc = pck_extension_read(v->chain.certificates[0], &v->platform, &err);
	if (rc == 0) {
		hex_encode(v->platform.fmspc, FMSPC_SIZE, v->result->measurements.fmspc);
		v->result->measurements.pck_ca = intel_chain_pck_ca(&v->chain);
	}
	record(v, ATTESTATION_CHAIN, rc, &err);
}

static void check_qe(struct verification *v)
{
	struct error err = ERROR_INIT;
	EVP_PKEY *pck_key = X509_get0_pubkey(v->chain.certificates[0]);

	record(v, ATTESTATION_QE_SIGNATURE, qe_check_signature(&v->signature, pck_key, &err), &err);
	record(v, ATTESTATION_QE_BINDING, qe_check_binding(&v->signature, &err), &err);
	record(v, ATTESTATION_QE_IDENTITY, qe_check_identity(&v->signature, &err), &err);
}

static void check_quote_signature(struct verification *v)
{
	struct error err = ERROR_INIT;
	EVP_PKEY *key = p256_key(v->signature.attestation_key, &err);
	int rc = -1;

	if (key != NULL)
		rc = p256_verify(key, v->quote.signed_part.data, v->quote.signed_part.length,
				 v->signature.signature, "the quote's signature", &err);
	EVP_PKEY_free(key);
	record(v, ATTESTATION_QUOTE_SIGNATURE, rc, &err);
}

static void check_report_data(struct verification *v)
{
	struct error err = ERROR_INIT;
	int rc = 0;

	if (v->input->report_data == NULL) {
		leave_out(v, ATTESTATION_REPORT_DATA, "nothing was said about what it is over");
		return;
	}
	if (memcmp(v->td.report_data, v->input->report_data, QUOTE_REPORT_DATA_SIZE) != 0)
		rc = error_set(&err, EXIT_FAILED, "the quote is over other data: REPORTDATA is %s",
			       v->result->measurements.report_data);
	record(v, ATTESTATION_REPORT_DATA, rc, &err);
}

static void check_event_log(struct verification *v)
{
	struct error err = ERROR_INIT;

	if (v->input->event_log == NULL) {
		leave_out(v, ATTESTATION_EVENT_LOG, "there is no event log");
		return;
	}
	int rc = event_log_verify(v->input->event_log, v->input->event_log_length, &v->td,
				  &v->result->identity, &err);
	if (rc != 0)
		v->result->identity = (struct app_identity){0};
	record(v, ATTESTATION_EVENT_LOG, rc, &err);
}

static int judge_tcb(struct verification *v, struct error *err)
{
	const struct tcb_evidence evidence = {&v->platform, &v->td, &v->signature};
	struct tcb_verdict *verdict = &v->result->tcb;

	if (!v->collateral_good)
		return error_set(err, EXIT_FAILED, "%s", v->collateral_error);
	if (tcb_judge(v->collateral, &evidence, verdict, err) != 0)
		return -1;
	v->result->has_tcb = true;
	if (verdict->status > v->input->worst_tcb)
		return error_set(
		    err, EXIT_FAILED, "the TCB status is %s; %s is the least that is accepted",
		    tcb_status_name(verdict->status), tcb_status_name(v->input->worst_tcb));
	return 0;
}

static void check_tcb(struct verification *v)
{
	struct error err = ERROR_INIT;

	if (v->input->collateral == NULL)
		leave_out(v, ATTESTATION_TCB, "without Intel's collateral nobody can tell");
	else
		record(v, ATTESTATION_TCB, judge_tcb(v, &err), &err);
}

/* ---- the whole */

static void verify_all(struct verification *v)
{
	struct error err = ERROR_INIT;

	check_layout(v);
	if (!passed(v, ATTESTATION_LAYOUT))
		return;
	read_collateral(v);
	check_chain(v);
	if (!passed(v, ATTESTATION_CHAIN))
		return;
	check_qe(v);
	if (!passed(v, ATTESTATION_QE_SIGNATURE) || !passed(v, ATTESTATION_QE_BINDING) ||
	    !passed(v, ATTESTATION_QE_IDENTITY))
		return;
	check_quote_signature(v);
	if (!passed(v, ATTESTATION_QUOTE_SIGNATURE))
		return;
	record(v, ATTESTATION_TD_POLICY, td_report_check_policy(&v->td, &err), &err);
	check_report_data(v);
	check_event_log(v);
	check_tcb(v);
}

bool attestation_verify(const struct attestation_input *input, struct attestation_result *result)
{
	struct verification v = {.input = input, .result = result};
	bool good = true;

	*result = (struct attestation_result){0};
	for (size_t i = 0; i < ATTESTATION_STEP_COUNT; i++)
		leave_out(&v, (enum attestation_step)i, "a step before it failed");
	verify_all(&v);
	intel_chain_clear(&v.chain);
	collateral_free(v.collateral);
	for (size_t i = 0; i < ATTESTATION_STEP_COUNT; i++)
		good = good && result->findings[i].outcome != ATTESTATION_FAILED;
	return good;
}

const char *attestation_step_name(enum attestation_step step)
{
	static const char *const names[ATTESTATION_STEP_COUNT] = {
	    [ATTESTATION_LAYOUT] = "quote layout",
	    [ATTESTATION_CHAIN] = "certificate chain",
	    [ATTESTATION_QE_SIGNATURE] = "quoting enclave signature",
	    [ATTESTATION_QE_BINDING] = "attestation key",
	    [ATTESTATION_QE_IDENTITY] = "quoting enclave identity",
	    [ATTESTATION_QUOTE_SIGNATURE] = "quote signature",
	    [ATTESTATION_TD_POLICY] = "TD policy",
	    [ATTESTATION_REPORT_DATA] = "report data",
	    [ATTESTATION_EVENT_LOG] = "event log",
	    [ATTESTATION_TCB] = "TCB status",
	};

	return step < ATTESTATION_STEP_COUNT ? names[step] : "?";
}
