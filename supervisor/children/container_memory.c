#include "supervisor/children/container_memory.h"

#include "common/buffer.h"
#include "common/file.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 has a number for "none" that depends on the size of pages; no machine has a pebibyte.
 */
#define LIMIT_MOST (1LL << 50)

enum { FILE_MAX = 64 * 1024, PATH_LENGTH_MAX = 4096, GROUP_MAX = 2048 };

const struct container_memory_places container_memory_usual = {"/sys/fs/cgroup",
							       "/proc/self/cgroup"};

/* The files of one version, and where groups lie below the folder. */
static const struct version {
	const char *below, *controllers; /* as /proc/self/cgroup lists them */
	const char *limit, *taken, *reclaimable, *events;
} versions[] = {
    {"", "::", "memory.max", "memory.current", "inactive_file ", "memory.events"},
    {"/memory", ":memory:", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file ", "memory.oom_control"},
};

enum { VERSIONS = sizeof(versions) / sizeof(*versions) };

static bool read_text(const char *folder, const char *file, struct buffer *text)
{
	struct error ignored = ERROR_INIT;
	char path[PATH_LENGTH_MAX];

	buffer_init(text, FILE_MAX);
	return snprintf(path, sizeof(path), "%s/%s", folder, file) < (int)sizeof(path) &&
	       file_read(path, text, &ignored) == 0;
}

/* The number that a file begins with; -1: there is none ("max", say). */
static long long read_number(const char *folder, const char *file)
{
	struct buffer text;
	long long number = -1;

	if (read_text(folder, file, &text)) {
		const char *begin = buffer_text(&text);
		char *end;
		number = strtoll(begin, &end, 10);
		if (end == begin)
			number = -1;
	}
	buffer_free(&text);
	return number;
}

/* The number behind `key` at the beginning of a line; -1: there is none. */
static long long read_behind(const char *folder, const char *file, const char *key)
{
	struct buffer text;
	long long number = -1;

	if (read_text(folder, file, &text)) {
		const char *at = buffer_text(&text);
		while (at != NULL && strncmp(at, key, strlen(key)) != 0) {
			at = strchr(at, '\n');
			at = at == NULL ? NULL : at + 1;
		}
		number = at == NULL ? -1 : strtoll(at + strlen(key), NULL, 10);
	}
	buffer_free(&text);
	return number;
}

static long long read_reclaimable(const char *folder, const char *key)
{
	long long number = read_behind(folder, "memory.stat", key);

	return number > 0 ? number : 0;
}

static long long limit_in(const struct version *version, const char *folder)
{
	long long limit = read_number(folder, version->limit);

	return limit < 0 || limit > LIMIT_MOST ? LLONG_MAX : limit;
}

static long long left_in(const struct version *version, const char *folder)
{
	long long limit = limit_in(version, folder);
	long long taken = read_number(folder, version->taken);

	if (limit == LLONG_MAX || taken < 0)
		return LLONG_MAX;
	taken -= read_reclaimable(folder, version->reclaimable);
	return limit > taken ? limit - (taken > 0 ? taken : 0) : 0;
}

/* "/a/b", the group of this process by its own line. */
static void own_group(const struct container_memory_places *places, const struct version *version,
		      char group[GROUP_MAX])
{
	struct error ignored = ERROR_INIT;
	struct buffer text;

	group[0] = '\0';
	buffer_init(&text, FILE_MAX);
	if (file_read(places->self, &text, &ignored) == 0) {
		const char *at = strstr(buffer_text(&text), version->controllers);
		if (at != NULL) {
			at += strlen(version->controllers);
			snprintf(group, GROUP_MAX, "%.*s", (int)strcspn(at, "\n"), at);
		}
	}
	buffer_free(&text);
	if (strcmp(group, "/") == 0)
		group[0] = '\0';
}

/* A number of a group, by its files; LLONG_MAX: there is none.  `visit` is told those of this
 * process's group and of all above it, until it has had enough. */
typedef long long group_number(const struct version *version, const char *folder);
typedef bool group_visit(long long number, long long *result);

static void visit_groups(const struct container_memory_places *places,
			 const struct version *version, group_number *number, group_visit *visit,
			 long long *result)
{
	char group[GROUP_MAX], folder[PATH_LENGTH_MAX];

	own_group(places, version, group);
	for (;;) {
		snprintf(folder, sizeof(folder), "%s%s%s", places->folder, version->below, group);
		if (!visit(number(version, folder), result))
			return;
		char *slash = strrchr(group, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

static bool take_least(long long number, long long *least)
{
	if (number < *least)
		*least = number;
	return true;
}

static long long least_of(const struct container_memory_places *places, group_number *number)
{
	long long least = LLONG_MAX;

	for (size_t i = 0; i < VERSIONS; i++)
		visit_groups(places, &versions[i], number, take_least, &least);
	return least;
}

/* The nearest group that has one: groups above may be of others as well. */
static bool take_first(long long number, long long *first)
{
	*first = number;
	return number == LLONG_MAX;
}

static long long kills_in(const struct version *version, const char *folder)
{
	long long kills = read_behind(folder, version->events, "oom_kill ");

	return kills < 0 ? LLONG_MAX : kills;
}

/* How many processes of the container the kernel has ended for want of memory; LLONG_MAX: it does
 * not say. */
static long long count_kills(const struct container_memory_places *places)
{
	long long kills = LLONG_MAX;

	for (size_t i = 0; i < VERSIONS && kills == LLONG_MAX; i++)
		visit_groups(places, &versions[i], kills_in, take_first, &kills);
	return kills;
}

long long container_memory_left(const struct container_memory_places *places)
{
	return least_of(places, left_in);
}

long long container_memory_limit(const struct container_memory_places *places)
{
	return least_of(places, limit_in);
}

void container_memory_why_killed(const struct container_memory_places *places,
				 char words[MEMORY_WORDS_SIZE])
{
	long long limit = container_memory_limit(places), kills = count_kills(places);
	char of_limit[64] = "";

	if (kills == 0) { /* it is counted before the signal is sent */
		snprintf(words, MEMORY_WORDS_SIZE, "not for want of memory, by the kernel's count");
		return;
	}
	if (limit != LLONG_MAX)
		snprintf(of_limit, sizeof(of_limit), ": the container's memory limit is %lld MB",
			 limit >> 20);
	if (kills == LLONG_MAX)
		snprintf(words, MEMORY_WORDS_SIZE, "perhaps for want of memory%s", of_limit);
	else
		snprintf(words, MEMORY_WORDS_SIZE,
			 "the kernel has ended %lld process%s of the container so far for want of "
			 "memory%s",
			 kills, kills == 1 ? "" : "es", of_limit);
}
