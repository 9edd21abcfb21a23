/*
 * `ingress-evidence serve` or `ingress-evidence attest`, kept running.
 *
 * The listening socket is ours and is handed down: when the server is restarted, requests
 * wait in the socket's queue instead of failing.
 */
#ifndef SUPERVISOR_EVIDENCE_EVIDENCE_SERVER_H
#define SUPERVISOR_EVIDENCE_EVIDENCE_SERVER_H

#include "common/error.h"

#include <event2/event.h>
#include <sys/types.h>

struct jobs;
struct evidence_server;

struct evidence_server_options {
	struct event_base *base;
	const struct jobs *jobs;
	const char *folder;  /* the worker's chroot, where its socket is made */
	const char *command; /* "serve" or "attest" */
	const char *socket;  /* the socket's name: "evidence.sock", "attestation.sock" */
};

/* Listens, so that no client is refused; clients that connect before the server runs wait. */
struct evidence_server *evidence_server_new(const struct evidence_server_options *options,
					    struct error *err);
/* Starts the server from the event loop, and again whenever it has ended, after a pause that grows
 * while it does not live for long. */
void evidence_server_start(struct evidence_server *server);
void evidence_server_stop(struct evidence_server *server);
void evidence_server_free(struct evidence_server *server);
pid_t evidence_server_pid(const struct evidence_server *server); /* 0: not running */

#endif
