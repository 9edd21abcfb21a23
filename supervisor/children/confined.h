/*
 * What each program that ingressd starts may do from its first instruction on.
 *
 * The table in docs/architecture.md has the same rows, with the users that the programs change to
 * by themselves (privileges.h); a test compares it with /proc.
 */
#ifndef SUPERVISOR_CHILDREN_CONFINED_H
#define SUPERVISOR_CHILDREN_CONFINED_H

#include "common/confinement.h"
#include "common/settings.h"

extern const struct confinement confined_haproxy;  /* the master */
extern const struct confinement confined_look;	   /* haproxy -c and -vv: reads, and no more */
extern const struct confinement confined_evidence; /* ingress-evidence, to give up root itself */
extern const struct confinement confined_probe;	   /* ingressctl probe, as well */
extern const struct confinement confined_resolve;  /* ingress-resolve, as well */

/* certbot as the user of its room; 0: as ingressd. */
struct confinement confined_certbot(uid_t user);

/* It differs with DNS_PROVIDER=exec, since it runs the operator's own program. */
const struct confinement *confined_dns(const struct settings *settings);

enum {
	CERTBOT_MEMORY_MAX = 512 * 1024 * 1024, /* an order takes some 100 MB of address space */
	CERTBOT_FILE_MAX = 4 * 1024 * 1024,	/* the log of one: some 100 KB */
	CERTBOT_PROCESSES_MAX = 128,		/* itself, a shell, ldconfig and the like */
};

/* Logs which of these limits cannot be applied, and what HAProxy cannot do, a line for each. */
void confined_report(const struct settings *settings);

#endif
