/* supervisor: renewal/NAME.conf as an adopted volume has it, rewritten for a new certificate. */
#include "supervisor/store/renewal_conf.h"

#include "test/fuzz/fuzz.h"

#include <string.h>

static const char MADE[] = "version = 2.1.0\n"
			   "archive_dir = /room/archive/a\n"
			   "[renewalparams]\n"
			   "account = new\n"
			   "authenticator = manual\n"
			   "server = https://ca.test/dir\n"
			   "key_type = ecdsa\n";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* As a string: the file is read up to its first NUL. */
static void make(const char *old, struct buffer *out)
{
	static const struct renewal_place place = {"/etc/letsencrypt", "a",
						   "/etc/letsencrypt/archive/a"};
	struct error err = ERROR_INIT;

	buffer_init(out, (size_t)4 * RENEWAL_CONF_MAX);
	CHECK(renewal_conf_make(&place, old, MADE, out, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer old, once, again;
	size_t length = 0;

	if (size > RENEWAL_CONF_MAX)
		return 0;
	buffer_init(&old, RENEWAL_CONF_MAX + 1);
	buffer_append(&old, data, size);
	make(buffer_text(&old), &once);
	/* It says where the certificate is and which CA it is from, and once is enough. */
	const char *server = renewal_conf_server(buffer_text(&once), &length);
	CHECK(server != NULL && length == strlen("https://ca.test/dir"));
	CHECK(strncmp(server, "https://ca.test/dir", length) == 0);
	CHECK(strstr(buffer_text(&once), "archive_dir = /etc/letsencrypt/archive/a\n") != NULL);
	make(buffer_text(&once), &again);
	CHECK(strcmp(buffer_text(&once), buffer_text(&again)) == 0);
	buffer_free(&old);
	buffer_free(&once);
	buffer_free(&again);
	return 0;
}
