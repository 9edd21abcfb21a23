/* HAProxy's answer to `show stat` (management guide, section 9.1): lines of values behind a line
 * that names them. */
#ifndef SUPERVISOR_HAPROXY_HAPROXY_STAT_H
#define SUPERVISOR_HAPROXY_HAPROXY_STAT_H

#include <stdbool.h>

/* Of a frontend, a backend or a server; texts are "", numbers 0 where it has none. */
struct haproxy_stat {
	const char *proxy, *server; /* "FRONTEND" and "BACKEND" instead of a server's name */
	const char *address, *status;
	long sessions, sessions_max; /* at a time */
	unsigned long long connect_errors, bytes_out;
};

typedef void haproxy_stat_row(const struct haproxy_stat *stat, void *arg);

/* Calls `row` for each line of `reply`, which is cut up for it and may be several such answers, one
 * behind the other; false when it is none. */
bool haproxy_stat_read(char *reply, haproxy_stat_row *row, void *arg);

#endif
