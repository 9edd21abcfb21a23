#include "supervisor/verify/site_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { CHAIN_LENGTH_MAX = 16 };

/* All certificates of a PEM text, the leaf first; sk_X509_pop_free() by the caller. */
static STACK_OF(X509) * read_certificates(const struct buffer *pem)
{
	BIO *text = BIO_new_mem_buf(buffer_text(pem), (int)pem->length);
	STACK_OF(X509) *list = sk_X509_new_null();
	X509 *certificate;

	while (text != NULL && list != NULL && sk_X509_num(list) < CHAIN_LENGTH_MAX &&
	       (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(list, certificate) <= 0)
			X509_free(certificate);
	ERR_clear_error();
	BIO_free(text);
	return list;
}

static X509_STORE *open_store(const char *ca_file, struct error *err)
{
	X509_STORE *store = X509_STORE_new();
	int opened = 0;

	if (store != NULL && ca_file == NULL)
		opened = X509_STORE_set_default_paths(store);
	else if (store != NULL)
		opened = X509_STORE_load_file(store, ca_file);
	if (opened == 1)
		return store;
	X509_STORE_free(store);
	ERR_clear_error();
	error_set(err, EXIT_BAD_CONFIG, "--ca: %s has no certificates in PEM",
		  ca_file == NULL ? "the system's store" : ca_file);
	return NULL;
}

static void judge_chain(STACK_OF(X509) * chain, X509_STORE *store, const char *host, time_t at,
			struct findings *findings)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(chain, 0);

	if (context == NULL || X509_STORE_CTX_init(context, store, leaf, chain) != 1) {
		findings_fail(findings, CHECK_TLS_CHAIN, "out of memory");
	} else {
		X509_STORE_CTX_set_time(context, 0, at);
		X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
		if (X509_verify_cert(context) != 1)
			findings_fail(
			    findings, CHECK_TLS_CHAIN, "%s",
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
		else if (X509_check_host(leaf, host, strlen(host), 0, NULL) != 1)
			findings_fail(findings, CHECK_TLS_CHAIN, "the certificate is not for %s",
				      host);
		else
			findings_pass(findings, CHECK_TLS_CHAIN, "%s", host);
	}
	ERR_clear_error();
	X509_STORE_CTX_free(context);
}

enum presence { PRESENCE_MISSING, PRESENCE_ANOTHER, PRESENCE_SAME };

/* How `leaf` stands in the evidence; the name of the file into `name`. */
static enum presence find_presence(const struct material *material, X509 *leaf, const char **name)
{
	const struct buffer *pem = material_certificate(material, material->host, name);
	STACK_OF(X509) *published = pem == NULL ? NULL : read_certificates(pem);
	enum presence presence = PRESENCE_MISSING;

	if (published != NULL && sk_X509_num(published) > 0)
		presence = X509_cmp(leaf, sk_X509_value(published, 0)) == 0 ? PRESENCE_SAME
									    : PRESENCE_ANOTHER;
	sk_X509_pop_free(published, X509_free);
	return presence;
}

static void judge_presence(const struct material *material, X509 *leaf, struct findings *findings)
{
	const char *name = NULL;

	switch (find_presence(material, leaf, &name)) {
	case PRESENCE_MISSING:
		findings_fail(findings, CHECK_LIVE_CERTIFICATE,
			      "the evidence has no certificate for %s", material->host);
		break;
	case PRESENCE_ANOTHER:
		findings_fail(findings, CHECK_LIVE_CERTIFICATE,
			      "%s is another certificate than the one that answered", name);
		break;
	case PRESENCE_SAME:
		findings_pass(findings, CHECK_LIVE_CERTIFICATE, "%s", name);
	}
}

bool site_certificate_is_published(const struct material *material)
{
	STACK_OF(X509) *chain = read_certificates(&material->live_chain);
	const char *name = NULL;
	bool published = chain != NULL && sk_X509_num(chain) > 0 &&
			 find_presence(material, sk_X509_value(chain, 0), &name) == PRESENCE_SAME;

	sk_X509_pop_free(chain, X509_free);
	return published;
}

int site_certificate_judge(const struct material *material, const char *ca_file, time_t at,
			   struct findings *findings, struct error *err)
{
	if (material->live_chain.length == 0) {
		findings_skip(findings, CHECK_TLS_CHAIN, "nobody was dialled");
		findings_skip(findings, CHECK_LIVE_CERTIFICATE, "nobody was dialled");
		return 0;
	}
	STACK_OF(X509) *chain = read_certificates(&material->live_chain);
	X509_STORE *store = open_store(ca_file, err);
	int rc = store == NULL ? -1 : 0;
	if (rc == 0 && (chain == NULL || sk_X509_num(chain) == 0)) {
		findings_fail(findings, CHECK_TLS_CHAIN, "no certificate came");
		findings_fail(findings, CHECK_LIVE_CERTIFICATE, "no certificate came");
	} else if (rc == 0) {
		judge_chain(chain, store, material->host, at, findings);
		judge_presence(material, sk_X509_value(chain, 0), findings);
	}
	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	return rc;
}
