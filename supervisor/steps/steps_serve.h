/* What takes a domain's certificate from the volume to the wire. */
#ifndef SUPERVISOR_STEPS_STEPS_SERVE_H
#define SUPERVISOR_STEPS_STEPS_SERVE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

struct clock_check;
struct domain;
struct handshakes;
struct haproxy;
struct key_origin;
struct publication;
struct served_pair;
struct settings;

struct certificate_store;

struct steps_serve_options {
	const struct settings *settings;
	struct handshakes *handshakes;
	struct haproxy *haproxy;
	struct publication *publication;
	struct key_origin *key_origin;
	struct certificate_store *store;
	struct served_pair *pairs; /* one for each of settings->domains */
	const char *certs_folder;
	struct clock_check *clock;
};

struct steps_serve;

struct steps_serve *steps_serve_new(const struct steps_serve_options *options, struct error *err);
void steps_serve_free(struct steps_serve *serve);

/* The steps, for the table in steps.c; `context` is the object. */
void steps_serve_check(struct domain *domain, void *context);
void steps_serve_install(struct domain *domain, void *context);
void steps_serve_publish(struct domain *domain, void *context);
void steps_serve_apply(struct domain *domain, void *context);
void steps_serve_probe(struct domain *domain, void *context);

/* Installs, without asking anybody, what the volume has for a domain.  For the start, before the
 * first configuration is written. */
void steps_serve_install_existing(struct steps_serve *serve, size_t domain);

/* HAProxy does not start with what is installed as FILE.pem (served_pair_file_name()): in its
 * place, for every domain that has it, comes what HAProxy has now, if that is another one, in
 * `served_folder`; else what the volume has besides it; else nothing.  False: nothing is installed
 * there. */
bool steps_serve_refused(struct steps_serve *serve, const char *file, const char *served_folder);

#endif
