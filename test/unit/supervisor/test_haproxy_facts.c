/* What is read from `haproxy -vv`, with the outputs of packaged versions. */
#include "test/unit/common/unit.h"

#include "supervisor/haproxy/haproxy_facts.h"

#include <sys/stat.h>

/* A program that says `output`, whatever it is asked. */
static char *standin(const char *folder, const char *output)
{
	char *path = file_join(folder, "haproxy");
	FILE *script = fopen(path, "w");

	assert_non_null(script);
	fprintf(script, "#!/bin/sh\ncat <<'END'\n%s\nEND\n", output);
	assert_int_equal(fclose(script), 0);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static int find(const char *folder, const char *output, struct haproxy_facts *facts,
		struct error *err)
{
	char *path = standin(folder, output);
	int rc = haproxy_facts_find(path, facts, err);

	free(path);
	return rc;
}

#define RUNS_ON "Running on: Linux 6.12.0 #1 SMP PREEMPT_DYNAMIC x86_64\n"

static const struct {
	const char *output, *version;
	bool has_mlkem;
} outputs[] = {
    /* Debian 12 */
    {"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n" RUNS_ON
     "Built with OpenSSL version : OpenSSL 3.0.22 25 Aug 2026\n"
     "Running on OpenSSL version : OpenSSL 3.0.19 27 Jan 2026\n"
     "OpenSSL library supports TLS extensions : yes\n",
     "2.6.12-1+deb12u4", false},
    /* Debian 13 */
    {"HAProxy version 3.0.11-1+deb13u5 2026/11/18 - https://haproxy.org/\n" RUNS_ON
     "Built with OpenSSL version : OpenSSL 3.5.7 9 Jun 2026\n"
     "Running on OpenSSL version : OpenSSL 3.5.9 29 Sep 2026\n"
     "OpenSSL library supports TLS extensions : yes\n",
     "3.0.11-1+deb13u5", true},
    /* Debian forky */
    {"HAProxy version 3.2.26-1 2026/10/14 - https://haproxy.org/\n" RUNS_ON
     "Built with SSL library version : OpenSSL 3.6.5 29 Sep 2026\n"
     "Running on SSL library version : OpenSSL 3.6.5 29 Sep 2026\n"
     "SSL library supports TLS extensions : yes\n",
     "3.2.26-1", true},
    /* What counts is what it runs on. */
    {"HAProxy version 3.0.11 2026/11/18\n"
     "Built with OpenSSL version : OpenSSL 3.0.22 25 Aug 2026\n"
     "Running on OpenSSL version : OpenSSL 3.5.9 29 Sep 2026",
     "3.0.11", true},
    {"HAProxy version 3.2.26 2026/10/14\n"
     "Built with SSL library version : OpenSSL 3.6.5 29 Sep 2026\n"
     "Running on SSL library version : OpenSSL 3.4.1 11 Feb 2025",
     "3.2.26", false},
    {"HAProxy version 4.0.0 2027/10/14\nRunning on SSL library version : OpenSSL 4.0.0 1 Apr 2027",
     "4.0.0", true},
    /* Other libraries count their versions in their own way. */
    {"HAProxy version 2.8.3 2023/09/08\nRunning on OpenSSL version : LibreSSL 4.0.0", "2.8.3",
     false},
    {"HAProxy version 3.2.26 2026/10/14\nRunning on SSL library version : AWS-LC 5.1.0", "3.2.26",
     false},
    /* Without any, and cut off. */
    {"HAProxy version 3.2.26 2026/10/14\n" RUNS_ON, "3.2.26", false},
    {"HAProxy version 3.2.26 2026/10/14\nRunning on ", "3.2.26", false},
    {"HAProxy version 3.2.26 2026/10/14\nRunning on SSL library version : OpenSSL \n3.9.1",
     "3.2.26", false},
};

static void test_its_version_and_its_openssl(void **state)
{
	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++) {
		struct error err = ERROR_INIT;
		struct haproxy_facts facts;

		if (find(*state, outputs[i].output, &facts, &err) != 0)
			fail_msg("%s", err.text);
		assert_string_equal(facts.version, outputs[i].version);
		if (facts.has_mlkem != outputs[i].has_mlkem)
			fail_msg("X25519MLKEM768 is %s for: %s",
				 facts.has_mlkem ? "taken to be there" : "missed",
				 outputs[i].output);
		haproxy_facts_clear(&facts);
	}
}

static void test_what_is_older_or_no_haproxy_is_refused(void **state)
{
	static const struct {
		const char *output, *said;
	} table[] = {
	    {"HAProxy version 2.4.22 2023/02/14\n", "is version 2.4.22: 2.6 or later is needed"},
	    {"HA-Proxy version 1.8.32 2022/10/04\n", "does not say that it is HAProxy"},
	    {"nginx version: nginx/1.22.1\n", "does not say that it is HAProxy"},
	    {"", "does not say that it is HAProxy"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct error err = ERROR_INIT;
		struct haproxy_facts facts;

		assert_int_equal(find(*state, table[i].output, &facts, &err), -1);
		assert_int_equal(err.code, EXIT_BAD_CONFIG);
		assert_contains(err.text, table[i].said);
		haproxy_facts_clear(&facts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_its_version_and_its_openssl),
	    scratch_test(test_what_is_older_or_no_haproxy_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
