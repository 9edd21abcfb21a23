/*
 * The evidence: one generation for all domains, published by `ingress-evidence publish`.
 *
 * Requests that come while one is being published share the next.  What fails is retried
 * here, for as long as it takes: evidence that lags never holds up a certificate.
 */
#ifndef SUPERVISOR_EVIDENCE_PUBLICATION_H
#define SUPERVISOR_EVIDENCE_PUBLICATION_H

#include "common/error.h"
#include "common/settings.h"

#include <event2/event.h>
#include <time.h>

struct jobs;
struct publication;
struct served_pair;
struct key_origin;

struct certificate_store;

struct publication_options {
	struct event_base *base;
	const struct jobs *jobs;
	const struct settings *settings;
	const struct served_pair *pairs; /* one for each of settings->domains */
	const char *certs_folder;
	const struct key_origin *key_origin; /* for the history of certificates */
	struct certificate_store *store;     /* for the account */
};

struct publication *publication_new(const struct publication_options *options, struct error *err);
void publication_free(struct publication *publication);

/* err is NULL when a generation that has everything installed at the time of the request
 * is current.  `done` may be NULL. While publishing is known to fail, the answer is that
 * failure, at once. */
typedef void publication_done(const struct error *err, void *arg);
int publication_request(struct publication *publication, publication_done *done, void *arg,
			struct error *err);

struct publication_status {
	time_t published_at;  /* by this run of the supervisor; 0: not yet */
	time_t failing_since; /* 0: it is not */
	const char *error;    /* "" */
};
void publication_get_status(const struct publication *publication,
			    struct publication_status *status);

#endif
