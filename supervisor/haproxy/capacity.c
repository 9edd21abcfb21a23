#include "supervisor/haproxy/capacity.h"

#include "common/log.h"
#include "supervisor/haproxy/inspection.h"

enum {
	/* HAProxy's connections beside the clients': those at EVIDENCE_PORT, */
	EVIDENCE_CONNECTIONS = 256,
	/* and with them all others. */
	EXTRA_CONNECTIONS = EVIDENCE_CONNECTIONS + 64,
	/* Answers that clients of HTTP/2 may have waiting beside one each: some, and more the more
	 * clients there are.  They take one file each, not two. */
	SHARED_ANSWERS = 128,
	CLIENTS_PER_SHARED_ANSWER = 8,
	/* A connection has two ends. */
	FILES_PER_CONNECTION = 2,
	/* Listeners, logs, and three for each of at most 64 threads. */
	FILES_BESIDE = 320,
	/* HAProxy takes the memory for all of them at its start: 245 bytes each. */
	SESSIONS_PER_CLIENT = 10,
	SESSIONS_MOST = 500000,
};

/* A connection that is handed on inside HAProxy counts in each frontend on its way: tls,
 * patience, and the frontend of the evidence or of HTTP.  With HTTP/2 the shared answers are
 * added, and, for one connection in eight, counted again. */
static long connections_per_eight(const struct settings *settings)
{
	if (!inspects(settings))
		return 8;
	return 3 * 8 + (settings->alpn_h2 ? routes_by_request(settings) ? 1 : 2 : 0);
}

static long connections_for(const struct settings *settings, long clients)
{
	return (clients * connections_per_eight(settings) + 7) / 8 + EXTRA_CONNECTIONS;
}

static long sessions_for(const struct settings *settings, long clients)
{
	long sessions = clients * SESSIONS_PER_CLIENT;

	if (!resumes_sessions(settings))
		return 0;
	return sessions < SESSIONS_MOST ? sessions : SESSIONS_MOST;
}

struct capacity capacity_find(const struct settings *settings, long open_files)
{
	long most = ((open_files - FILES_BESIDE) / FILES_PER_CONNECTION - EXTRA_CONNECTIONS) * 8 /
		    connections_per_eight(settings);
	long clients = settings->maxconn < most ? settings->maxconn : most;

	return (struct capacity){
	    .clients = clients,
	    .connections = connections_for(settings, clients),
	    .evidence_connections = clients + EVIDENCE_CONNECTIONS,
	    .again = (clients + 7) / 8,
	    .shared_answers = SHARED_ANSWERS + clients / CLIENTS_PER_SHARED_ANSWER,
	    .files_needed =
		connections_for(settings, settings->maxconn) * FILES_PER_CONNECTION + FILES_BESIDE,
	    .tls_sessions = sessions_for(settings, clients),
	};
}

int capacity_check(const struct settings *settings, long open_files, struct error *err)
{
	struct capacity capacity = capacity_find(settings, open_files);

	if (capacity.clients < 1)
		return error_set(err, EXIT_BAD_CONFIG,
				 "the limit of open files is %ld (`ulimit -Hn`), too low for "
				 "HAProxy: MAXCONN=%ld needs %ld",
				 open_files, settings->maxconn, capacity.files_needed);
	if (capacity.clients < settings->maxconn)
		log_warn("MAXCONN=%ld needs %ld open files and the limit is %ld (`ulimit -Hn`): "
			 "at most %ld clients are connected at a time; raise the limit (Docker: "
			 "--ulimit nofile=%ld) or lower MAXCONN",
			 settings->maxconn, capacity.files_needed, open_files, capacity.clients,
			 capacity.files_needed);
	return 0;
}
