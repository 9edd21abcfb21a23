/*
 * Which backends do not take connections, from HAProxy's counters of each.
 *
 * A backend fails from the first connection that failed, and answers again once bytes have come
 * from it and none has failed for BACKEND_CALM_SECONDS: one that comes and goes is told of
 * at that pace at most.
 */
#ifndef SUPERVISOR_ADDRESSES_BACKEND_HEALTH_H
#define SUPERVISOR_ADDRESSES_BACKEND_HEALTH_H

#include <stddef.h>
#include <time.h>

enum { BACKEND_CALM_SECONDS = 30, BACKEND_NAME_LONGEST = 300 };

struct backend_health; /* of all of them */

/* A backend of which a connection has failed at some time. */
struct backend_record {
	char name[BACKEND_NAME_LONGEST];
	unsigned long long failures;		    /* this time, or when it failed last */
	time_t failing_since;			    /* 0: it answers */
	time_t failed_at;			    /* the latest one, as seen */
	unsigned long long errors_seen, bytes_seen; /* as the worker counted them */
};

enum backend_news { BACKEND_NO_NEWS, BACKEND_FAILS, BACKEND_ANSWERS };

struct backend_health *backend_health_new(void); /* NULL when memory ran out */
void backend_health_free(struct backend_health *health);

/* What the worker has counted for the backend so far: failed connections, and bytes that came
 * from it.  `record` is valid until the next call. */
enum backend_news backend_health_take(struct backend_health *health, const char *name,
				      unsigned long long errors, unsigned long long bytes,
				      time_t now, const struct backend_record **record);
/* NULL when none of its connections has failed yet. */
const struct backend_record *backend_health_find(const struct backend_health *health,
						 const char *name);

/* A new worker counts from zero. */
void backend_health_new_worker(struct backend_health *health);

/* How many fail; up to `room` of them. */
size_t backend_health_failing(const struct backend_health *health,
			      const struct backend_record **records, size_t room);

#endif
