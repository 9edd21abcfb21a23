/*
 * certbot, run as a job: register an account, order one certificate.  Each run has a clean room
 * (certbot_room.h), so that several may run at a time; what it has made there is taken over by
 * whoever started it (certificate_store.h).
 *
 * What it needs is written to a configuration file of ours (0600), so that neither the key of an
 * external account binding nor anything else of weight stands in its argv.  It is there while
 * certbot runs, and no longer.
 *
 * It runs as a user of its room's own, with the account's key and without any other secret, and is
 * not trusted: its hooks only ask (certbot_hook.h), and what it leaves is looked at with care
 * (certbot_user.h, made_files.h).
 */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_H
#define SUPERVISOR_CERTBOT_CERTBOT_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/children/process.h"

#include <stdbool.h>
#include <time.h>

struct certificate_store;
struct event_base;
struct jobs;

struct certbot_options {
	struct event_base *base;
	const struct settings *settings;
	struct process_table *processes;
	const struct jobs *jobs;
	struct certificate_store *store;
};

struct certbot;

/* Removes what an earlier run has left of its rooms. */
struct certbot *certbot_new(const struct certbot_options *options, struct error *err);
void certbot_free(struct certbot *certbot);

/* How a run has ended. */
struct certbot_outcome {
	/* NULL: well.  Else the CA's own words picked out of certbot's where there are any, and
	 * Retry-After where the CA gave one. */
	const struct error *error;
	const char *config_dir;	 /* what it has made; gone when `done` returns */
	bool has_asked;		 /* a new order was asked of the CA, as far as is known */
	bool account_is_unknown; /* the CA does not know the account */
	bool may_have_left;	 /* a challenge in DNS */
	time_t ca_time;		 /* the CA's clock when it answered last; 0: not known */
};

/* Called from the event loop, once. */
typedef void certbot_done(const struct certbot_outcome *outcome, void *arg);

int certbot_register(struct certbot *certbot, certbot_done *done, void *arg, struct error *err);

/* Orders a certificate for `domain` alone, as version 1 of a lineage `name`, with the account
 * `account_id` of the store.  With `is_urgent` its hook does not put the order off for what name
 * servers show.  EXIT_TRY_LATER when CERTBOT_ROOMS run already. */
int certbot_issue(struct certbot *certbot, const char *domain, const char *name,
		  const char *account_id, bool is_urgent, certbot_done *done, void *arg,
		  struct error *err);
enum { CERTBOT_ROOMS = 32 };

/* Seconds a run may take. */
long certbot_deadline(const struct settings *settings);

#endif
