/*
 * Which domains are served, as handshakes with HAProxy tell (`ingressctl probe`): those that were
 * asked for together go to one program.
 *
 * What a handshake returned counts until the next one, or until that certificate has ended:
 * neither DNS nor the CA nor what a domain waits for makes any difference.
 */
#ifndef SUPERVISOR_HAPROXY_HANDSHAKES_H
#define SUPERVISOR_HAPROXY_HANDSHAKES_H

#include "common/error.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct handshakes;
struct jobs;
struct served_pair;
struct settings;

struct handshakes_options {
	struct event_base *base;
	const struct jobs *jobs;
	const struct settings *settings;
	const struct served_pair *pairs; /* one for each of settings->domains */
};

struct handshakes *handshakes_new(const struct handshakes_options *options, struct error *err);
void handshakes_free(struct handshakes *handshakes);

/* Asks for a domain (its place in settings->domains), which has a certificate installed and is not
 * being asked for; err is NULL when a handshake returned that certificate. */
typedef void handshake_seen(const struct error *err, void *arg);
void handshakes_ask(struct handshakes *handshakes, size_t domain, handshake_seen *done, void *arg);

/* Asks for all that are not known to be served, and again with growing pauses while some are not.
 * For when HAProxy has begun to serve. */
void handshakes_look(struct handshakes *handshakes);

/* Whether the latest handshake returned what was installed then: what is installed now, or one that
 * has not ended. */
bool handshakes_is_served(const struct handshakes *handshakes, size_t domain);

#endif
