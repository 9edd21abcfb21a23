/* What this machine's HAProxy is and may do; found out once, at start. */
#ifndef SUPERVISOR_HAPROXY_HAPROXY_FACTS_H
#define SUPERVISOR_HAPROXY_HAPROXY_FACTS_H

#include "common/error.h"

#include <stdbool.h>

struct haproxy_facts {
	char *path;		  /* absolute: its master re-executes itself without a PATH */
	char version[32];	  /* "2.6.12-1+deb12u4" */
	bool has_mlkem;		  /* its OpenSSL knows X25519MLKEM768 (3.5 and later) */
	bool is_root;		  /* we are: the worker can be confined */
	bool has_ipv6;		  /* the kernel lets us listen on [::] */
	long open_files;	  /* as many as it may have */
	const char *user, *group; /* for the worker, when is_root */
};

/* Runs `haproxy -vv`.  EXIT_BAD_CONFIG when it cannot be run or is older than 2.6. */
int haproxy_facts_find(const char *haproxy, struct haproxy_facts *facts, struct error *err);
void haproxy_facts_clear(struct haproxy_facts *facts);

#endif
