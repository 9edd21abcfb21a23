#include "supervisor/steps/start.h"

#include "supervisor/addresses/resolver.h"
#include "supervisor/domains/turns.h"
#include "supervisor/steps/steps_serve.h"

#include <stdlib.h>

enum {
	/* How long the first configuration waits for the addresses of backends.  With DNS at hand
	 * they are there sooner than the certificates have been read. */
	FIRST_ANSWERS_MS = 300,
	/* How long HAProxy has the machine's cores for itself while it loads: for a certificate it
	 * takes about a millisecond. */
	HEAD_START_MS = 2000,
	HEAD_START_MS_PER_DOMAIN = 3,
};

struct start {
	struct start_options options;
	struct turns *turns;
	struct turn turn;
	size_t installed; /* so many of the domains have been looked at */
	struct event *head_start;
	bool is_reading, has_gone_on, stopped, has_failed;
	struct error failure;
};

static void go_on(struct start *start)
{
	if (start->has_gone_on || start->stopped)
		return;
	start->has_gone_on = true;
	event_del(start->head_start);
	start->options.go_on(start->options.arg);
}

/* HAProxy loads for long, or does not come up: the rest does not depend on it. */
static void on_head_start_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

static void on_addresses(void *arg)
{
	struct start *start = arg;
	long ms = HEAD_START_MS + HEAD_START_MS_PER_DOMAIN * (long)start->options.domain_count;

	if (start->stopped)
		return;
	start->is_reading = false;
	event_add(start->head_start, &(struct timeval){ms / 1000, ms % 1000 * 1000});
	if (start->options.serve(start->options.arg, &start->failure) == 0)
		return;
	start->has_failed = true;
	event_base_loopbreak(start->options.base);
}

static void install_next(void *arg)
{
	struct start *start = arg;

	if (start->installed < start->options.domain_count) {
		steps_serve_install_existing(start->options.serving, start->installed++);
		turns_wait(start->turns, &start->turn, start);
	} else {
		resolver_wait(start->options.resolver, FIRST_ANSWERS_MS, on_addresses, start);
	}
}

void start_begin(struct start *start)
{
	turns_wait(start->turns, &start->turn, start);
}

void start_is_served(struct start *start)
{
	go_on(start);
}

void start_stop(struct start *start)
{
	start->stopped = true;
	event_del(start->head_start);
	turns_stop(start->turns);
}

bool start_is_reading(const struct start *start)
{
	return start->is_reading;
}

int start_outcome(const struct start *start, struct error *err)
{
	if (!start->has_failed)
		return 0;
	*err = start->failure;
	return -1;
}

struct start *start_new(const struct start_options *options, struct error *err)
{
	struct start *start = calloc(1, sizeof(*start));

	if (start == NULL)
		goto fail;
	start->options = *options;
	start->is_reading = true;
	start->turns = turns_new(options->base, install_next);
	start->head_start = evtimer_new(options->base, on_head_start_over, start);
	if (start->turns == NULL || start->head_start == NULL)
		goto fail;
	return start;
fail:
	start_free(start);
	error_no_memory(err);
	return NULL;
}

void start_free(struct start *start)
{
	if (start == NULL)
		return;
	if (start->head_start != NULL)
		event_free(start->head_start);
	turns_free(start->turns);
	free(start);
}
