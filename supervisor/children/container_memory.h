/* How much memory the container may still take (cgroups, version 1 and 2). */
#ifndef SUPERVISOR_CHILDREN_CONTAINER_MEMORY_H
#define SUPERVISOR_CHILDREN_CONTAINER_MEMORY_H

/* Where the kernel tells it: "/sys/fs/cgroup" and "/proc/self/cgroup". */
struct container_memory_places {
	const char *folder, *self;
};
extern const struct container_memory_places container_memory_usual;

/*
 * Bytes until the kernel would end something in the container, the least of what its control
 * groups allow.  What the kernel could give back at once (files that nobody has used lately) counts
 * as free.  LLONG_MAX where there is no limit, or none that can be read.
 */
long long container_memory_left(const struct container_memory_places *places);

/* The least of the limits that its control groups have, in bytes; LLONG_MAX as above. */
long long container_memory_limit(const struct container_memory_places *places);

/*
 * What is known of memory, for whoever was killed by signal 9, by what the kernel counts of those
 * that it ended in the container for want of memory:
 *
 *   the kernel has ended 2 processes of the container so far for want of memory: the container's
 *   memory limit is 64 MB
 *   not for want of memory, by the kernel's count
 *   perhaps for want of memory: ...                 where the count cannot be read
 */
enum { MEMORY_WORDS_SIZE = 160 };
void container_memory_why_killed(const struct container_memory_places *places,
				 char words[MEMORY_WORDS_SIZE]);

#endif
