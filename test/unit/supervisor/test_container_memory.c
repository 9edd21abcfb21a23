/* What control groups say of memory, both versions, told by files as the kernel writes them. */
#include "test/unit/common/scratch_files.h"

#include "supervisor/children/container_memory.h"

#include <limits.h>

static void put_in(const char *scratch, const char *folder, const char *file, const char *text)
{
	char path[512];
	struct error err = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/%s", scratch, folder);
	assert_int_equal(file_make_dirs(path, 0755, &err), 0);
	snprintf(path, sizeof(path), "%s/%s/%s", scratch, folder, file);
	put(path, text);
}

static char folder[512], self[512];

static const struct container_memory_places *places(const char *scratch)
{
	static const struct container_memory_places scratches = {folder, self};

	snprintf(folder, sizeof(folder), "%s/cgroup", scratch);
	snprintf(self, sizeof(self), "%s/self", scratch);
	return &scratches;
}

static long long left(const char *scratch)
{
	return container_memory_left(places(scratch));
}

static void without_a_limit_there_is_none(void **state)
{
	assert_true(left(*state) == LLONG_MAX);
	put_in(*state, "cgroup", "memory.max", "max\n");
	put_in(*state, "cgroup", "memory.current", "1000\n");
	assert_true(left(*state) == LLONG_MAX);
	put_in(*state, "cgroup", "memory.max", "");
	assert_true(left(*state) == LLONG_MAX);
}

static void a_container_with_its_own_view_is_read(void **state)
{
	put_in(*state, ".", "self", "0::/\n");
	put_in(*state, "cgroup", "memory.max", "268435456\n");
	put_in(*state, "cgroup", "memory.current", "200000000\n");
	assert_int_equal(left(*state), 68435456);
	put_in(*state, "cgroup", "memory.stat", "anon 5\ninactive_file 50000000\nfile 9\n");
	assert_int_equal(left(*state), 118435456);
	put_in(*state, "cgroup", "memory.current", "300000000\n");
	put_in(*state, "cgroup", "memory.stat", "");
	assert_int_equal(left(*state), 0);
}

static void assert_why(const char *scratch, const char *expected)
{
	char words[MEMORY_WORDS_SIZE];

	container_memory_why_killed(places(scratch), words);
	assert_string_equal(words, expected);
}

static void where_the_kernel_counts_nothing_memory_is_a_guess(void **state)
{
	assert_why(*state, "perhaps for want of memory");
	put_in(*state, ".", "self", "4:memory:/docker/x\n");
	put_in(*state, "cgroup/memory", "memory.limit_in_bytes", "9223372036854771712\n");
	put_in(*state, "cgroup/memory", "memory.usage_in_bytes", "1000\n");
	put_in(*state, "cgroup/memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
	assert_true(left(*state) == LLONG_MAX);
	assert_why(*state, "perhaps for want of memory");
	put_in(*state, "cgroup/memory", "memory.limit_in_bytes", "67108864\n");
	assert_why(*state, "perhaps for want of memory: the container's memory limit is 64 MB");
}

static void whom_the_kernel_has_ended_it_counts(void **state)
{
	put_in(*state, ".", "self", "0::/\n");
	put_in(*state, "cgroup", "memory.max", "67108864\n");
	put_in(*state, "cgroup", "memory.events", "low 0\nmax 81\noom 2\noom_kill 0\n");
	assert_why(*state, "not for want of memory, by the kernel's count");
	put_in(*state, "cgroup", "memory.events", "low 0\nmax 81\noom 2\noom_kill 1\n");
	assert_why(*state, "the kernel has ended 1 process of the container so far for want of "
			   "memory: the container's memory limit is 64 MB");
	put_in(*state, "cgroup", "memory.max", "max\n");
	put_in(*state, "cgroup", "memory.events", "oom_kill 2\noom_group_kill 0\n");
	assert_why(*state, "the kernel has ended 2 processes of the container so far for want of "
			   "memory");
}

/* What it ended in other groups is no sign. */
static void the_nearest_group_with_a_count_tells(void **state)
{
	put_in(*state, ".", "self", "4:memory:/docker/abc\n");
	put_in(*state, "cgroup/memory", "memory.oom_control", "under_oom 0\noom_kill 7\n");
	put_in(*state, "cgroup/memory/docker/abc", "memory.oom_control",
	       "under_oom 0\noom_kill 0\n");
	assert_why(*state, "not for want of memory, by the kernel's count");
	/* A container that sees its own group at the root. */
	put_in(*state, ".", "self", "4:memory:/docker/elsewhere\n");
	assert_why(*state, "the kernel has ended 7 processes of the container so far for want of "
			   "memory");
}

static void the_least_of_the_groups_above_counts(void **state)
{
	put_in(*state, ".", "self", "0::/slice/app\n");
	put_in(*state, "cgroup/slice/app", "memory.max", "1000\n");
	put_in(*state, "cgroup/slice/app", "memory.current", "100\n");
	put_in(*state, "cgroup/slice", "memory.max", "700\n");
	put_in(*state, "cgroup/slice", "memory.current", "200\n");
	assert_int_equal(left(*state), 500);
}

static void version_1_is_read(void **state)
{
	put_in(*state, ".", "self", "7:cpu:/x\n4:memory:/docker/abc\n");
	put_in(*state, "cgroup/memory", "memory.limit_in_bytes", "9223372036854771712\n");
	put_in(*state, "cgroup/memory", "memory.usage_in_bytes", "4096\n");
	put_in(*state, "cgroup/memory/docker/abc", "memory.limit_in_bytes", "1000\n");
	put_in(*state, "cgroup/memory/docker/abc", "memory.usage_in_bytes", "400\n");
	put_in(*state, "cgroup/memory/docker/abc", "memory.stat", "total_inactive_file 100\n");
	assert_int_equal(left(*state), 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(without_a_limit_there_is_none),
	    scratch_test(a_container_with_its_own_view_is_read),
	    scratch_test(the_least_of_the_groups_above_counts),
	    scratch_test(version_1_is_read),
	    scratch_test(where_the_kernel_counts_nothing_memory_is_a_guess),
	    scratch_test(whom_the_kernel_has_ended_it_counts),
	    scratch_test(the_nearest_group_with_a_count_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
