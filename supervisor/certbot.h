/*
 * certbot, run as a job: register an account, order one certificate.
 *
 * What it needs is written to a configuration file of ours (0600), so that neither the
 * key of an external account binding nor anything else of weight stands in its argv, and
 * no cli.ini of the machine is read.  It is there while certbot runs, and no longer.
 *
 * Its hooks need the DNS credentials, itself it does not: while it runs they are in files
 * (0600) of which its environment has the names.
 */
#ifndef SUPERVISOR_CERTBOT_H
#define SUPERVISOR_CERTBOT_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/process.h"

#include <stdbool.h>

struct certbot_options {
	const struct settings *settings;
	struct process_table *processes;
	const char *dns_program; /* ingress-dns, absolute */
	const char *log_pipe;	 /* where the hooks log; certbot holds their output back */
};

struct certbot;

/* Makes its folders under RUN_DIR. */
struct certbot *certbot_new(const struct certbot_options *options, struct error *err);
void certbot_free(struct certbot *certbot);

/* At most one of these runs at a time: certbot locks its folders. */
int certbot_register(struct certbot *certbot, process_done *done, void *arg, struct error *err);

/* Orders a certificate for `domain` alone, into lineage `name`, renewing it if it is
 * there; `account_id` chooses among several accounts. */
int certbot_issue(struct certbot *certbot, const char *domain, const char *name,
		  const char *account_id, process_done *done, void *arg, struct error *err);

/* Seconds a run may take. */
long certbot_deadline(const struct settings *settings);

/* Turns a failed run into an error: the CA's own words picked out of certbot's, and
 * Retry-After where the CA gave one. */
int certbot_check(const struct certbot *certbot, const struct process_result *result,
		  struct error *err);

#endif
