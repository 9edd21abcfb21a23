/* evidence: certificate chains that are published: certificates, and nothing beside them. */
#include "common/certificate.h"
#include "evidence/source_files.h"
#include "test/fuzz/pem.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* Only what PEM blocks of certificates are made of. */
static void check_published(const char *text, size_t length)
{
	size_t certificates = 0;

	CHECK(memchr(text, '\0', length) == NULL && strlen(text) == length);
	for (const char *at = text; (at = strstr(at, "-----BEGIN ")) != NULL; at++) {
		CHECK(strncmp(at, "-----BEGIN CERTIFICATE-----", 27) == 0);
		certificates++;
	}
	CHECK(certificates > 0);
	for (size_t i = 0; i < length; i++)
		CHECK(text[i] == '\n' || text[i] == '\r' || text[i] == '\t' || text[i] == '\f' ||
		      text[i] == '\v' || (text[i] >= ' ' && text[i] <= '~' && text[i] != ':'));
}

static bool publish(const void *data, size_t size)
{
	struct fuzz_file file = fuzz_file(data, size);
	struct error err = ERROR_INIT;
	struct buffer text;

	buffer_init(&text, CERTIFICATE_PEM_MAX);
	int result = source_read_chain(file.path, &text, &err);
	if (result == 0) {
		CHECK(text.length == size && memcmp(text.data, data, size) == 0);
		check_published(text.data, text.length);
	} else {
		fuzz_check_error(&err);
	}
	buffer_free(&text);
	close(file.fd);
	return result == 0;
}

/* As text, and as the DER of a certificate. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer pem;

	publish(data, size);
	buffer_init(&pem, CERTIFICATE_PEM_MAX);
	pem_append(&pem, "CERTIFICATE", data, size);
	if (publish(buffer_text(&pem), pem.length)) {
		/* With a comment it is not. */
		buffer_puts(&pem, "x");
		CHECK(!publish(buffer_text(&pem), pem.length));
	}
	buffer_free(&pem);
	return 0;
}
