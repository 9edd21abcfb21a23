#include "supervisor/haproxy/haproxy_facts.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/spawn.h"
#include "supervisor/children/confined.h"

#include <ctype.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	VERSION_TIMEOUT_MS = 10000,
	VERSION_OUTPUT_MAX = 65536,
	NUMBER_MAX = 64,
	NR_OPEN_DEFAULT = 1024 * 1024, /* the kernel's own */
};

static int run_version(const char *haproxy, struct buffer *output, struct error *err)
{
	const char *const argv[] = {haproxy, "-vv", NULL};
	struct spawn spawn = SPAWN_INIT;
	int status;

	spawn.argv = argv;
	spawn.confinement = &confined_look;
	if (spawn_run(&spawn, VERSION_TIMEOUT_MS, output, &status, err) != 0) {
		err->code = EXIT_BAD_CONFIG;
		return error_wrap(err, "HAPROXY=%s", haproxy);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, EXIT_BAD_CONFIG,
				 "HAPROXY=%s: `%s -vv` failed: it must be HAProxy 2.6 or later",
				 haproxy, haproxy);
	return 0;
}

/* "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - ..." */
static int read_version(const char *text, const char *haproxy, struct haproxy_facts *facts,
			struct error *err)
{
	unsigned major, minor;

	if (sscanf(text, "HAProxy version %31s", facts->version) != 1 ||
	    sscanf(facts->version, "%u.%u", &major, &minor) != 2)
		return error_set(err, EXIT_BAD_CONFIG,
				 "HAPROXY=%s does not say that it is HAProxy: \"%.60s\"", haproxy,
				 text);
	if (major < 2 || (major == 2 && minor < 6))
		return error_set(err, EXIT_BAD_CONFIG,
				 "HAPROXY=%s is version %s: 2.6 or later is needed", haproxy,
				 facts->version);
	return 0;
}

/* "OpenSSL 3.5.9 29 Sep 2026" somewhere on a line. */
static bool knows_mlkem(const char *line, size_t length)
{
	static const char word[] = "OpenSSL ";
	const char *at = line;
	unsigned major, minor;

	while ((at = memmem(at, length - (size_t)(at - line), word, strlen(word))) != NULL) {
		at += strlen(word);
		if (isdigit((unsigned char)*at) && sscanf(at, "%u.%u", &major, &minor) == 2)
			return major > 3 || (major == 3 && minor >= 5);
	}
	return false;
}

/*
 * By the library it runs on, not the one it was built with.  The words before the library's own
 * name differ: "Running on OpenSSL version : OpenSSL 3.5.9 ..." until HAProxy 3.1, "Running on SSL
 * library version : ..." since 3.2; "Running on: Linux ..." is another line.
 */
static bool has_mlkem(const char *text)
{
	static const char start[] = "Running on ";

	for (const char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		if (strncmp(line, start, strlen(start)) == 0 && knows_mlkem(line, length))
			return true;
		line += length + (line[length] != '\0');
	}
	return false;
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	bool works = bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
	close(fd);
	return works;
}

/* No limit can be above it. */
static long read_nr_open(void)
{
	struct buffer text;
	struct error ignored = ERROR_INIT;
	long most = 0;

	buffer_init(&text, NUMBER_MAX);
	if (file_read("/proc/sys/fs/nr_open", &text, &ignored) == 0)
		most = strtol(buffer_text(&text), NULL, 10);
	buffer_free(&text);
	return most > 0 ? most : NR_OPEN_DEFAULT;
}

/* HAProxy raises its limit by itself as far as it can: to the hard one, or, with
 * CAP_SYS_RESOURCE, to the kernel's.  Whether it can is seen by trying. */
static long count_open_files(void)
{
	long most = read_nr_open();
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= (rlim_t)most)
		return most;
	raised = limit;
	raised.rlim_max = (rlim_t)most;
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
		return (long)limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return most;
}

int haproxy_facts_find(const char *haproxy, struct haproxy_facts *facts, struct error *err)
{
	struct buffer output;
	int rc;

	*facts = (struct haproxy_facts){0};
	facts->path = spawn_find_program(haproxy, err);
	if (facts->path == NULL) {
		err->code = EXIT_BAD_CONFIG;
		return error_wrap(err, "HAPROXY=%s", haproxy);
	}
	buffer_init(&output, VERSION_OUTPUT_MAX);
	rc = run_version(facts->path, &output, err);
	if (rc == 0)
		rc = read_version(buffer_text(&output), haproxy, facts, err);
	if (rc == 0) {
		facts->has_mlkem = has_mlkem(buffer_text(&output));
		facts->is_root = geteuid() == 0;
		facts->has_ipv6 = has_ipv6();
		facts->open_files = count_open_files();
		/* Debian's package makes the first; every system has the other. */
		facts->user = getpwnam("haproxy") != NULL ? "haproxy" : "nobody";
		facts->group = getgrnam("haproxy") != NULL ? "haproxy" : "nogroup";
	}
	buffer_free(&output);
	return rc;
}

void haproxy_facts_clear(struct haproxy_facts *facts)
{
	free(facts->path);
	facts->path = NULL;
}
