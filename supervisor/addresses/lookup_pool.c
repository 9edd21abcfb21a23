#include "supervisor/addresses/lookup_pool.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "supervisor/addresses/dns_answer.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

enum { STACK_SIZE = 256 * 1024, FAILED_INTERVAL_MS = 1000, WATCH_INTERVAL_MS = 1000 };

struct lookup {
	TAILQ_ENTRY(lookup) link;
	const char *name;
	long long due;	 /* clock_now_ms() */
	long long begun; /* the same, of the look-up under way; 0: none */
	bool failed;	 /* nobody answered last time */
};

TAILQ_HEAD(lookup_queue, lookup);

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct lookup *lookups;
	size_t count, left;		      /* left: without an answer yet */
	struct lookup_queue answered, failed; /* each in the order in which they are due */
	size_t threads, failed_running;
	long long interval, failed_interval;
	int fd;
	bool once, broken;
};

/* ---- one lookup */

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

/* The line goes out under the lock, so that lines do not mix. */
static int look_up(struct pool *pool, struct lookup *lookup)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	struct buffer line;

	pthread_mutex_unlock(&pool->lock);
	int status = getaddrinfo(lookup->name, NULL, &hints, &list);
	buffer_init(&line, DNS_ANSWER_LINE_MAX);
	dns_answer_format(lookup->name, status, list, &line);
	if (status == 0)
		freeaddrinfo(list);
	const char *text = buffer_text(&line);
	lookup->failed = strcmp(text + strlen(lookup->name), " failed\n") == 0;
	pthread_mutex_lock(&pool->lock);
	int rc = write_all(pool->fd, text, line.length);
	buffer_free(&line);
	return rc;
}

/* ---- the queues */

static struct lookup_queue *queue_of(struct pool *pool, const struct lookup *lookup)
{
	return lookup->failed ? &pool->failed : &pool->answered;
}

/* The next one that is due; NULL, and the time to wait until in `until`. */
static struct lookup *take_due(struct pool *pool, long long now, long long *until)
{
	struct lookup *answered = TAILQ_FIRST(&pool->answered);
	struct lookup *failed = TAILQ_FIRST(&pool->failed);

	/* Half of the threads, rounded up, so that a single thread looks up all names. */
	if (pool->failed_running >= (pool->threads + 1) / 2)
		failed = NULL;
	struct lookup *next = answered;
	if (next == NULL || (failed != NULL && failed->due < next->due))
		next = failed;
	*until = next == NULL ? now + LOOKUP_INTERVAL_MAX_MS : next->due;
	if (next == NULL || next->due > now)
		return NULL;
	TAILQ_REMOVE(queue_of(pool, next), next, link);
	return next;
}

static void put_back(struct pool *pool, struct lookup *lookup)
{
	lookup->due = clock_now_ms() + (lookup->failed ? pool->failed_interval : pool->interval);
	TAILQ_INSERT_TAIL(queue_of(pool, lookup), lookup, link);
}

static void wait_until(struct pool *pool, long long when)
{
	struct timespec time = {when / 1000, when % 1000 * 1000000};

	pthread_cond_timedwait(&pool->changed, &pool->lock, &time);
}

static void look_up_next(struct pool *pool)
{
	long long until;
	struct lookup *lookup = take_due(pool, clock_now_ms(), &until);

	if (lookup == NULL) {
		wait_until(pool, until);
		return;
	}
	bool was_failed = lookup->failed;
	pool->failed_running += was_failed;
	lookup->begun = clock_now_ms();
	if (look_up(pool, lookup) != 0)
		pool->broken = true;
	lookup->begun = 0;
	pool->failed_running -= was_failed;
	if (!pool->once)
		put_back(pool, lookup);
	else
		pool->left--;
	/* Wakes threads that wait until fewer failed names are being looked up, or for the end. */
	if (was_failed || pool->once || pool->broken)
		pthread_cond_broadcast(&pool->changed);
}

static void *work(void *arg)
{
	struct pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	while (!pool->broken)
		look_up_next(pool);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* ---- the pool */

static int take_names(struct pool *pool, char *names, struct error *err)
{
	char *name;
	size_t most = 1;

	for (const char *at = names; at != NULL && *at != '\0'; at++)
		most += *at == '\n';
	pool->lookups = calloc(most, sizeof(*pool->lookups));
	if (pool->lookups == NULL)
		return error_no_memory(err);
	while ((name = strsep(&names, "\n")) != NULL) {
		if (name[0] == '\0')
			continue;
		struct lookup *lookup = &pool->lookups[pool->count++];
		lookup->name = name;
		TAILQ_INSERT_TAIL(&pool->answered, lookup, link);
	}
	pool->left = pool->count;
	return 0;
}

static void choose_intervals(struct pool *pool)
{
	long long all = (long long)pool->count * 1000 / LOOKUPS_PER_SECOND;

	pool->interval = all < LOOKUP_INTERVAL_MS ? LOOKUP_INTERVAL_MS : all;
	if (pool->interval > LOOKUP_INTERVAL_MAX_MS)
		pool->interval = LOOKUP_INTERVAL_MAX_MS;
	pool->failed_interval = all < FAILED_INTERVAL_MS ? FAILED_INTERVAL_MS : pool->interval;
}

static int start_threads(struct pool *pool, struct error *err)
{
	size_t wanted = pool->count < LOOKUP_THREADS_MAX ? pool->count : LOOKUP_THREADS_MAX;
	pthread_attr_t attributes;
	int failure = pthread_attr_init(&attributes);

	if (failure == 0)
		failure = pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (failure == 0 && pool->threads < wanted) {
		pthread_t thread;
		failure = pthread_create(&thread, &attributes, work, pool);
		if (failure == 0)
			pool->threads++;
	}
	pthread_attr_destroy(&attributes);
	/* Fewer than wanted will do. */
	if (pool->threads == 0 && wanted > 0)
		return error_set_errno(err, EXIT_FAILED, failure, "cannot start a thread");
	return 0;
}

static int init(struct pool *pool, struct error *err)
{
	pthread_condattr_t attributes;

	TAILQ_INIT(&pool->answered);
	TAILQ_INIT(&pool->failed);
	if (pthread_mutex_init(&pool->lock, NULL) != 0 || pthread_condattr_init(&attributes) != 0 ||
	    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&pool->changed, &attributes) != 0)
		return error_no_memory(err);
	return 0;
}

/* libc waits without end for the answer of a server that takes a connection and says nothing
 * (glibc asks by TCP what does not fit into a datagram), and no call takes a thread back. */
static int check_stuck(const struct pool *pool, struct error *err)
{
	long long now = clock_now_ms();

	for (size_t i = 0; i < pool->count; i++) {
		const struct lookup *lookup = &pool->lookups[i];
		if (lookup->begun != 0 && now - lookup->begun >= LOOKUP_SECONDS_MAX * 1000LL)
			return error_set(err, EXIT_TRY_LATER,
					 "looking up %s has taken %d s and does not end",
					 lookup->name, LOOKUP_SECONDS_MAX);
	}
	return 0;
}

static int follow(struct pool *pool, struct error *err)
{
	int rc = 0;

	while (rc == 0 && !pool->broken) {
		wait_until(pool, clock_now_ms() + WATCH_INTERVAL_MS);
		rc = check_stuck(pool, err);
	}
	return rc;
}

static void wait_for_all(struct pool *pool, long long end)
{
	while (!pool->broken && pool->left > 0 && clock_now_ms() < end)
		wait_until(pool, end);
}

int lookup_pool_run(char *names, int fd, long seconds, struct error *err)
{
	/* Threads may outlive this function. */
	static struct pool pool;
	long long end = clock_now_ms() + seconds * 1000;

	/* Each arena of malloc() would reserve 64 MiB of the address space, which has a limit. */
	mallopt(M_ARENA_MAX, 1);
	pool.fd = fd;
	pool.once = seconds > 0;
	if (init(&pool, err) != 0 || take_names(&pool, names, err) != 0)
		return -1;
	choose_intervals(&pool);
	pthread_mutex_lock(&pool.lock);
	int rc = start_threads(&pool, err);
	if (rc == 0 && pool.once)
		wait_for_all(&pool, end);
	else if (rc == 0)
		rc = follow(&pool, err);
	/* The lock stays taken, so that no thread writes from here on. */
	return rc;
}
