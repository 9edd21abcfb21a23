#include "supervisor/domains/state_saver.h"

#include "common/log.h"

#include <stdbool.h>
#include <stdlib.h>

enum { PAUSE_SECONDS = 1 };

struct state_saver {
	struct state *state;
	struct event *pause;
	bool has_changed; /* since it was written */
};

static void save(struct state_saver *saver)
{
	struct error err = ERROR_INIT;

	saver->has_changed = false;
	if (state_save(saver->state, &err) != 0)
		log_warn("a restart will not remember what waits, and why: %s", err.text);
}

static void save_and_pause(struct state_saver *saver)
{
	save(saver);
	event_add(saver->pause, &(struct timeval){PAUSE_SECONDS, 0});
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct state_saver *saver = arg;

	(void)fd;
	(void)what;
	if (saver->has_changed)
		save_and_pause(saver);
}

struct state_saver *state_saver_new(struct event_base *base, struct state *state)
{
	struct state_saver *saver = calloc(1, sizeof(*saver));

	if (saver == NULL)
		return NULL;
	saver->state = state;
	saver->pause = evtimer_new(base, on_pause, saver);
	if (saver->pause == NULL) {
		free(saver);
		return NULL;
	}
	return saver;
}

void state_saver_free(struct state_saver *saver)
{
	if (saver == NULL)
		return;
	if (saver->has_changed)
		save(saver);
	event_free(saver->pause);
	free(saver);
}

void state_saver_changed(struct state_saver *saver)
{
	saver->has_changed = true;
	if (!event_pending(saver->pause, EV_TIMEOUT, NULL))
		save_and_pause(saver);
}
