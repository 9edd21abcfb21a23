/*
 * How many clients may be connected at a time: MAXCONN, or fewer where the limit of open files
 * allows no more.  HAProxy would not start at all then.
 */
#ifndef SUPERVISOR_HAPROXY_CAPACITY_H
#define SUPERVISOR_HAPROXY_CAPACITY_H

#include "common/error.h"
#include "common/settings.h"

struct capacity {
	long clients;		   /* at a time; less than 1: there is not even room for one */
	long connections;	   /* HAProxy's count of them, the evidence's included */
	long evidence_connections; /* for evidence: every client, and more at EVIDENCE_PORT */
	long again;		   /* requests for the app behind evidence, routed by connection */
	long shared_answers;	   /* of the evidence, see templates/http.cfg */
	long files_needed;	   /* for all of MAXCONN */
	long tls_sessions; /* places in HAProxy's cache of TLS sessions; 0: none are resumed */
};

/* `open_files`: what HAProxy may have, see haproxy_facts. */
struct capacity capacity_find(const struct settings *settings, long open_files);

/* Says so, as a warning, when it is less than MAXCONN; EXIT_BAD_CONFIG when it is nothing. */
int capacity_check(const struct settings *settings, long open_files, struct error *err);

#endif
