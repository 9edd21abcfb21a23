#include "supervisor/steps/dns_result.h"

#include "common/buffer.h"
#include "common/json.h"
#include "supervisor/children/process.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { READ_SIZE = 4096, RESULTS_MAX = 1024 * 1024 };

int dns_results_open(struct error *err)
{
	int fd = memfd_create("results", MFD_CLOEXEC);

	return fd >= 0 ? fd
		       : error_set_errno(err, EXIT_FAILED, errno, "cannot make a file for results");
}

static void take_line(const char *line, size_t length, const char *what,
		      void (*take)(const struct dns_result *result, void *arg), void *arg)
{
	struct dns_result result = {.told = ERROR_INIT};
	struct error ignored = ERROR_INIT;
	AUTO_JSON cJSON *json = json_parse(line, length, "a result of ingress-dns", &ignored);
	const char *text = json == NULL ? NULL : json_string(json, "error");
	long long code = json == NULL ? -1 : json_integer(json, "exit_code", -1);

	if (json == NULL || (code != EXIT_OK && text == NULL))
		return;
	result.domain = json_string(json, "domain");
	result.is_done = code == EXIT_OK;
	if (cJSON_GetArraySize(json_array(json, "operator")) > 0)
		result.missing = json_array(json, "operator");
	result.were_there = result.is_done && json_true(json, "unchanged");
	if (text != NULL)
		error_set(&result.told, code == EXIT_OK ? EXIT_OK : process_exit_code((int)code),
			  "%s: %s", what, text);
	result.told.retry_after = (unsigned)json_integer(json, "retry_after", 0);
	if (result.domain != NULL)
		take(&result, arg);
}

void dns_results_read(int fd, const char *what,
		      void (*take)(const struct dns_result *result, void *arg), void *arg)
{
	char part[READ_SIZE];
	struct buffer text;
	ssize_t got;

	buffer_init(&text, RESULTS_MAX);
	lseek(fd, 0, SEEK_SET);
	while ((got = read(fd, part, sizeof(part))) > 0)
		buffer_append(&text, part, (size_t)got);
	for (const char *at = buffer_text(&text); *at != '\0';) {
		size_t length = strcspn(at, "\n");
		take_line(at, length, what, take, arg);
		at += length + (at[length] == '\n');
	}
	buffer_free(&text);
}
