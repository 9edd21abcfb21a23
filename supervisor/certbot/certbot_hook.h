/*
 * certbot's manual hooks.  certbot, which has no business with DNS, asks by two FIFOs in its room,
 * `ask` and `answer`; what a hook has to do is a job of ingress-dns, with the credentials and as
 * the user of its own.
 *
 *   certbot's hook: "auth DOMAIN VALUE\n" or "cleanup DOMAIN VALUE\n"
 *   ingressd:       "done\n" or "failed\n", when the job has ended
 *
 * certbot is believed nothing: it may ask for the domain of its order alone, for one value at a
 * time, a few times, and take out only what it has put in.  Whatever else it says ends the run.
 */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_HOOK_H
#define SUPERVISOR_CERTBOT_CERTBOT_HOOK_H

#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>

struct event_base;
struct jobs;

struct certbot_hook_options {
	struct event_base *base;
	const struct jobs *jobs;
	const char *folder; /* where the FIFOs are made */
	const char *domain; /* NULL: there is nothing to ask for */
	bool is_urgent;	    /* the order is not put off for what name servers show */
	long timeout;	    /* of a job, in seconds */
	/* The challenge could not be set, or something else was asked for: certbot is to be ended.
	 */
	void (*failed)(const struct error *err, void *arg);
	/* The job that was under way at certbot_hook_stop() has ended. */
	void (*stopped)(void *arg);
	void *arg;
};

struct certbot_hook;

/* The options' strings outlive it. */
struct certbot_hook *certbot_hook_new(const struct certbot_hook_options *options,
				      struct error *err);
/* While the job runs it must not be called, unless no job calls back any more. */
void certbot_hook_free(struct certbot_hook *hook);

/* certbot has ended: nothing is asked any more.  false: a job is being ended, `stopped` comes. */
bool certbot_hook_stop(struct certbot_hook *hook);

/* Whether a value may be in DNS still. */
bool certbot_hook_has_left(const struct certbot_hook *hook);

/* The line of a hook for certbot's configuration, `what` being "auth" or "cleanup"; a shell reads
 * it, with the paths of the FIFOs in INGRESS_ASK and INGRESS_ANSWER. */
#define CERTBOT_HOOK_LINE(what)                                     \
	"echo " what " \"$CERTBOT_DOMAIN\" \"$CERTBOT_VALIDATION\"" \
	" >\"$INGRESS_ASK\" && read -r answer <\"$INGRESS_ANSWER\" && [ \"$answer\" = done ]"
#define CERTBOT_HOOK_ASK "ask"
#define CERTBOT_HOOK_ANSWER "answer"

#endif
