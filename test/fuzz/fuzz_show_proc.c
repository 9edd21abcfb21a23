/* supervisor: HAProxy's answer to `show proc`. */
#include "supervisor/haproxy/master_socket.h"

#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *reply = fuzz_text(data, size);
	struct master_processes processes;

	bool understood = master_parse_processes(reply, &processes);
	/* These get signals: neither a group nor everybody may be among them. */
	CHECK(processes.worker >= 0 && processes.worker_before >= 0);
	for (unsigned i = 0; i < processes.old_worker_count && i < MASTER_OLD_WORKERS_MAX; i++)
		CHECK(processes.old_workers[i] > 0);
	if (understood)
		CHECK(strstr(reply, "master") != NULL);
	if (processes.worker > 0 || processes.old_worker_count > 0)
		CHECK(strstr(reply, "worker") != NULL);
	if (processes.reload_failed)
		CHECK(understood && strstr(reply, "[failed: ") != NULL);
	free(reply);
	return 0;
}
