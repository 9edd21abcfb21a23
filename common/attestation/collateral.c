#include "common/attestation/collateral.h"

#include "common/attestation/p256.h"
#include "common/hex.h"
#include "common/json.h"
#include "common/utc.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { CRL_MAX = 1024 * 1024, SIGNER_CHAIN = 2 };

/* ---- reading */

static const char *member(const cJSON *object, const char *name, struct error *err)
{
	const char *text = json_string(object, name);

	if (text == NULL)
		error_set(err, EXIT_FAILED, "the collateral has no text \"%s\"", name);
	return text;
}

static int read_signature(const cJSON *object, const char *name, unsigned char signature[64],
			  struct error *err)
{
	const char *hex = member(object, name, err);

	if (hex == NULL)
		return -1;
	if (strlen(hex) != 128 || hex_decode(hex, 128, signature) != 0)
		return error_set(err, EXIT_FAILED, "the collateral's \"%s\" is not hex of 64 bytes",
				 name);
	return 0;
}

static int read_signed_text(const cJSON *object, const char *name, struct signed_text *signed_text,
			    struct error *err)
{
	char chain[64], signature[64];

	snprintf(chain, sizeof(chain), "%s_issuer_chain", name);
	snprintf(signature, sizeof(signature), "%s_signature", name);
	signed_text->text = member(object, name, err);
	const char *pem = signed_text->text == NULL ? NULL : member(object, chain, err);
	if (pem == NULL || read_signature(object, signature, signed_text->signature, err) != 0)
		return -1;
	if (intel_chain_parse(pem, strlen(pem), SIGNER_CHAIN, CHAIN_WRITTEN_LOOSELY, chain,
			      &signed_text->chain, err) != 0)
		return -1;
	signed_text->json = json_parse(signed_text->text, strlen(signed_text->text), name, err);
	return signed_text->json == NULL ? -1 : 0;
}

static X509_CRL *read_crl(const cJSON *object, const char *name, struct error *err)
{
	const char *hex = member(object, name, err);
	size_t length = hex == NULL ? 0 : strlen(hex);
	X509_CRL *crl = NULL;

	if (hex == NULL)
		return NULL;
	unsigned char *der = length / 2 > CRL_MAX ? NULL : malloc(length / 2 + 1);
	if (der != NULL && hex_decode(hex, length, der) == 0) {
		const unsigned char *at = der;
		crl = d2i_X509_CRL(NULL, &at, (long)(length / 2));
		if (crl != NULL && at != der + length / 2) { /* more behind it */
			X509_CRL_free(crl);
			crl = NULL;
		}
	}
	free(der);
	ERR_clear_error();
	if (crl == NULL)
		error_set(err, EXIT_FAILED,
			  "the collateral's \"%s\" is not hex of a certificate revocation list",
			  name);
	return crl;
}

struct collateral *collateral_parse(const char *text, size_t length, struct error *err)
{
	struct collateral *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (length > COLLATERAL_MAX)
		error_set(err, EXIT_FAILED, "the collateral has %zu bytes; at most %d are read",
			  length, COLLATERAL_MAX);
	else
		c->object = json_parse(text, length, "the collateral", err);
	if (c->object == NULL || read_signed_text(c->object, "tcb_info", &c->tcb_info, err) != 0 ||
	    read_signed_text(c->object, "qe_identity", &c->qe_identity, err) != 0 ||
	    (c->revocation.root = read_crl(c->object, "root_ca_crl", err)) == NULL ||
	    (c->revocation.pck_ca = read_crl(c->object, "pck_crl", err)) == NULL) {
		collateral_free(c);
		return NULL;
	}
	return c;
}

static void clear_signed_text(struct signed_text *signed_text)
{
	cJSON_Delete(signed_text->json);
	intel_chain_clear(&signed_text->chain);
}

void collateral_free(struct collateral *c)
{
	if (c == NULL)
		return;
	clear_signed_text(&c->tcb_info);
	clear_signed_text(&c->qe_identity);
	X509_CRL_free(c->revocation.root);
	X509_CRL_free(c->revocation.pck_ca);
	cJSON_Delete(c->object);
	free(c);
}

/* ---- verifying */

static int read_time(const cJSON *object, const char *what, const char *name, time_t *time,
		     struct error *err)
{
	const char *text = json_string(object, name);

	if (text == NULL || utc_read(text, time) != 0)
		return error_set(err, EXIT_FAILED, "the collateral's %s has no time \"%s\"", what,
				 name);
	return 0;
}

static int check_in_force(const cJSON *json, const char *what, time_t at, struct error *err)
{
	time_t from = 0, until = 0;

	if (read_time(json, what, "issueDate", &from, err) != 0 ||
	    read_time(json, what, "nextUpdate", &until, err) != 0)
		return -1;
	if (at < from)
		return error_set(err, EXIT_FAILED,
				 "the collateral's %s is issued only at %s: fetch the one of the "
				 "time in question, or look at the clock",
				 what, json_string(json, "issueDate"));
	if (at > until)
		return error_set(err, EXIT_FAILED,
				 "the collateral's %s was good until %s: fetch it anew", what,
				 json_string(json, "nextUpdate"));
	return 0;
}

static int verify_signed_text(const struct signed_text *signed_text, const char *what,
			      const struct trust_anchor *anchor,
			      const struct revocation *revocation, time_t at, struct error *err)
{
	char signature[64];

	if (intel_chain_verify(&signed_text->chain, anchor, revocation, at, err) != 0)
		return error_wrap(err, "the collateral's %s", what);
	snprintf(signature, sizeof(signature), "the signature of the collateral's %s", what);
	if (p256_verify(X509_get0_pubkey(signed_text->chain.certificates[0]), signed_text->text,
			strlen(signed_text->text), signed_text->signature, signature, err) != 0)
		return -1;
	return check_in_force(signed_text->json, what, at, err);
}

static int check_id(const cJSON *json, const char *what, const char *id, long long least,
		    long long most, struct error *err)
{
	const char *seen = json_string(json, "id");
	long long version = json_integer(json, "version", -1);

	if (seen == NULL || strcmp(seen, id) != 0)
		return error_set(err, EXIT_FAILED,
				 "the collateral's %s is for \"%.20s\"; a TDX quote needs \"%s\"",
				 what, seen == NULL ? "" : seen, id);
	if (version < least || version > most)
		return error_set(err, EXIT_FAILED,
				 "the collateral's %s has version %lld; %lld to %lld are known",
				 what, version, least, most);
	return 0;
}

int collateral_verify(const struct collateral *c, const struct trust_anchor *anchor, time_t at,
		      struct error *err)
{
	if (verify_signed_text(&c->tcb_info, "TCB info", anchor, &c->revocation, at, err) != 0 ||
	    check_id(c->tcb_info.json, "TCB info", "TDX", 3, 3, err) != 0 ||
	    verify_signed_text(&c->qe_identity, "QE identity", anchor, &c->revocation, at, err) !=
		0)
		return -1;
	return check_id(c->qe_identity.json, "QE identity", "TD_QE", 2, 3, err);
}
