/* common: lines of children as they are logged, with a secret in them: the first line of the
 * input. */
#include "common/json.h"

#include "test/fuzz/fuzz.h"

static const char secret[] = "abcabcab-secret";
static int log_fd;

/* Standard error is looked at here, and told to the real one by a copy of it. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_fd = memfd_create("log", MFD_CLOEXEC);
	CHECK(log_fd >= 0);
	log_hide(secret);
	log_hide("abcabc");
	return 0;
}

/* What one call writes; free(). */
static char *logged(enum log_format format, const char *line)
{
	struct error err = ERROR_INIT;
	enum log_level level = LOG_DEBUG;
	struct buffer text;

	log_setup("fuzz", LOG_DEBUG, format);
	CHECK(ftruncate(log_fd, 0) == 0 && lseek(log_fd, 0, SEEK_SET) == 0);
	int real = dup(STDERR_FILENO);
	CHECK(real >= 0 && dup2(log_fd, STDERR_FILENO) >= 0);
	log_child("child", LOG_INFO, log_strip_prefix(line, &level));
	CHECK(dup2(real, STDERR_FILENO) >= 0);
	close(real);

	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", log_fd);
	buffer_init(&text, (size_t)2 * LOG_LINE_MAX);
	CHECK(file_read(path, &text, &err) == 0);
	CHECK(strlen(buffer_text(&text)) == text.length);
	return buffer_take(&text);
}

/* One line, not too long, without anything that a terminal obeys, and without the secret. */
static void check_line(char *line)
{
	size_t length = strlen(line);

	CHECK(length > 0 && length <= LOG_LINE_MAX && line[length - 1] == '\n');
	line[length - 1] = '\0';
	fuzz_check_plain(line);
	CHECK(strstr(line, secret) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = fuzz_text(data, size);
	struct error err = ERROR_INIT;

	char *text = logged(LOG_TEXT, line);
	check_line(text);
	char *prefixed = logged(LOG_PREFIXED, line);
	check_line(prefixed);
	CHECK(prefixed[0] == '<' && prefixed[1] == '6' && prefixed[2] == '>');
	char *json_text = logged(LOG_JSON, line);
	check_line(json_text);
	AUTO_JSON cJSON *json = json_parse(json_text, strlen(json_text), "it", &err);
	const char *message = json_string(json, "message");
	CHECK(message != NULL && strstr(message, secret) == NULL);
	CHECK(strcmp(json_string(json, "program"), "child") == 0);
	free(json_text);
	free(prefixed);
	free(text);
	free(line);
	return 0;
}
