/*
 * Where the keys come from that are served: made here, or adopted from the volume.
 *
 * What an order made is recorded on the certificate volume (dstack-ingress/key-origin) under a
 * MAC that `ingress-evidence origin` computes with a key from the guest agent, which this
 * process never sees.  A key that the record does not name is adopted, whoever made it.
 * Serving never waits for any of this.
 */
#ifndef SUPERVISOR_EVIDENCE_KEY_ORIGIN_H
#define SUPERVISOR_EVIDENCE_KEY_ORIGIN_H

#include "common/error.h"
#include "common/settings.h"

#include <event2/event.h>
#include <time.h>

struct served_pair;
struct jobs;
struct key_origin;
struct lineage;

struct key_origin_options {
	struct event_base *base;
	const struct jobs *jobs;
	const struct settings *settings;
	const struct served_pair *pairs; /* one for each of settings->domains */
	/* For ADOPTED_KEYS=renew: has a certificate with a new key ordered for a domain, as
	 * domains_renew() does. */
	int (*renew)(const char *domain, void *arg, struct error *err);
	/* Called when the record has been asked for the first time, whatever came of it, and when
	 * key_origin_of() says something else than before. */
	void (*told)(void *arg);
	void *arg;
};

struct key_origin *key_origin_new(const struct key_origin_options *options, struct error *err);
void key_origin_free(struct key_origin *origin);

/* Asks what the record has, and again with growing pauses until there is an answer. */
void key_origin_start(struct key_origin *origin);

/*
 * The way of an order, `domain` being its place in settings->domains: what `lineage` has before
 * (NULL: there is none) and the `name` of the one that is ordered; that certbot has ended
 * well; what the domain's lineage has then.  A key is recorded only if it is in that lineage and
 * was not there before.
 */
void key_origin_before_order(struct key_origin *origin, size_t domain,
			     const struct lineage *lineage, const char *name);
/* The lineage of the latest order. */
const char *key_origin_ordered(const struct key_origin *origin, size_t domain);
void key_origin_after_order(struct key_origin *origin, size_t domain);
void key_origin_look(struct key_origin *origin, size_t domain, const struct lineage *lineage);

/* Another certificate is in use for the domain. */
void key_origin_installed(struct key_origin *origin, size_t domain);

/* "made here", "adopted", or NULL: nothing is served, or the guest agent has not answered. */
const char *key_origin_of(const struct key_origin *origin, size_t domain);

struct key_origin_status {
	const char *error;    /* why origins cannot be recorded or read; "" */
	time_t failing_since; /* 0: it works */
	const char *rejected; /* why the record that was found was not believed; "" */
};
void key_origin_get_status(const struct key_origin *origin, struct key_origin_status *status);

#endif
