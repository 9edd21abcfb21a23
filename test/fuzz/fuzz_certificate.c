/* common: certificates in DER, put into PEM here. */
#include "common/certificate.h"

#include "test/fuzz/pem.h"

#include <ctype.h>
#include <openssl/pem.h>

static char other_key[1024]; /* it belongs to none of the inputs */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *text = BIO_new(BIO_s_mem());

	(void)argc;
	(void)argv;
	fuzz_quiet();
	CHECK(PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK(BIO_read(text, other_key, sizeof(other_key) - 1) > 0);
	BIO_free(text);
	EVP_PKEY_free(key);
	return 0;
}

static void check_certificate(const struct certificate *certificate)
{
	size_t serial = strlen(certificate->serial);

	CHECK(serial > 0 && strspn(certificate->serial, "-0123456789ABCDEF") == serial);
	for (size_t i = 0; i < certificate->name_count; i++) {
		const char *name = certificate->names[i];
		size_t length = strlen(name);
		CHECK(length > 0 && length <= DOMAIN_MAX);
		for (size_t at = 0; at < length; at++)
			CHECK(isgraph((unsigned char)name[at]) &&
			      !isupper((unsigned char)name[at]));
		CHECK(i == 0 || strcmp(certificate->names[i - 1], name) < 0);
		CHECK(certificate_is_exactly_for(certificate, name) ==
		      (certificate->name_count == 1 && !certificate->has_other_names));
	}
	CHECK(!certificate_is_exactly_for(certificate, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buffer pem;

	buffer_init(&pem, (size_t)2 * CERTIFICATE_PEM_MAX);
	pem_append(&pem, "CERTIFICATE", data, size);
	struct certificate *certificate = certificate_parse(buffer_text(&pem), pem.length, &err);
	if (certificate != NULL)
		check_certificate(certificate);
	else
		fuzz_check_error(&err);
	certificate_free(certificate);
	CHECK(certificate_check_key(buffer_text(&pem), pem.length, other_key, strlen(other_key),
				    &err) != 0);
	fuzz_check_error(&err);
	buffer_free(&pem);

	/* The same bytes as text of their own. */
	certificate = certificate_parse((const char *)data, size, &err);
	if (certificate != NULL)
		check_certificate(certificate);
	certificate_free(certificate);
	return 0;
}
