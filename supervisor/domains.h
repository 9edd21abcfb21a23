/*
 * The domains at run time: what drives each through its lifecycle.
 *
 * domains.c turns events into transitions, timers and records; domain_dns.c,
 * domain_order.c and domain_steps.c do the work of the steps; status.c reads.  Nobody else
 * looks into the structs.
 */
#ifndef SUPERVISOR_DOMAINS_H
#define SUPERVISOR_DOMAINS_H

#include "common/settings.h"
#include "supervisor/acme_account.h"
#include "supervisor/certbot.h"
#include "supervisor/haproxy.h"
#include "supervisor/key_origin.h"
#include "supervisor/lane.h"
#include "supervisor/lifecycle.h"
#include "supervisor/publication.h"
#include "supervisor/served_pair.h"
#include "supervisor/state.h"

#include <event2/event.h>
#include <stdbool.h>

/* What the domains work with; owned by the supervisor. */
struct domains_options {
	struct event_base *base;
	const struct settings *settings;
	struct process_table *processes;
	struct haproxy *haproxy;
	struct publication *publication;
	struct certbot *certbot;
	struct state *state;
	struct served_pair *pairs; /* one for each of settings->domains */
	const char *certs_folder;
	const char *dns_program, *ctl_program; /* absolute */
	struct key_origin *key_origin;
};

struct domain {
	struct domains *all;
	const char *name;
	struct served_pair *pair; /* what is installed */
	struct domain_record *record;
	enum step step;
	bool running;	/* the step's work is under way; else the timer decides */
	bool forced;	/* order although nothing is due */
	bool served;	/* the latest handshake returned the installed certificate */
	time_t next_at; /* when the timer fires */
	struct event *timer;
	struct lane_place place;
	char note[ERROR_TEXT_MAX]; /* what is not as it should be, but stops nothing; "" */
};

struct domains {
	struct domains_options options;
	struct domain *list;
	size_t count;
	struct lane dns_lane, certbot_lane, probe_lane;
	struct lane_place sweep_place;
	struct acme_account account; /* once known */
	bool stopping;
};

struct domains *domains_new(const struct domains_options *options, struct error *err);
void domains_free(struct domains *domains);

/* Installs, without asking anybody, what the volume has for each domain.  For the start,
 * before the first configuration is written. */
void domains_install_existing(struct domains *domains);

/* From here on nothing that ends is news: its end is our doing. */
void domains_stop(struct domains *domains);

/* Wakes every domain, those that wait after a failure when their wait is over. */
void domains_start(struct domains *domains);

/* What kept DNS records from being made may be over: wakes the domains that wait for it. */
void domains_retry_records(struct domains *domains);

/* Certificates on the volume may have changed: looks at each again. */
void domains_recheck(struct domains *domains);

/*
 * Wakes one domain, or all with NULL; `force` orders a certificate even if none is due.
 * -1 with EXIT_USAGE_ERROR for a name that is not configured, EXIT_TRY_LATER when the
 * budget of orders forbids it (err->retry_after says for how long).
 */
int domains_renew(struct domains *domains, const char *name, bool force, struct error *err);

/* For domain_work.h's files: how a step ended.  err is for EVENT_FAILED. */
void domain_event(struct domain *domain, enum lifecycle_event event, const struct error *err);
void domain_save_record(struct domain *domain);

/* In domain_steps.c: starts the work of domain->step; ends in domain_event(), possibly
 * before it returns. */
void domain_run_step(struct domain *domain);
/* In domain_order.c: removes challenge records that a killed certbot left in DNS. */
void domains_sweep(struct domains *domains);

#endif
