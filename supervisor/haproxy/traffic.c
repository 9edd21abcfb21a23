#include "supervisor/haproxy/traffic.h"

#include "common/buffer.h"
#include "common/log.h"
#include "supervisor/haproxy/haproxy_stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_SECONDS = 5,
	BACKENDS_PER_SECOND = 100, /* so many are asked about on average */
	TELL_MOST = 20,		   /* backends at a time, in the log */
	/* A shortage of places is over below this share of them, so that not every client that
	 * comes and goes makes a log line. */
	ROOM_PERCENT = 90,
};

struct traffic {
	struct workers *workers;
	struct event *timer;
	pid_t worker; /* whose counters they are; 0: none yet */
	unsigned answers_due;

	long clients, clients_max;
	time_t full_since;

	struct backend_health *backends;
	size_t backend_count; /* of the latest sweep */
	long next_sweep;      /* ticks */
	size_t failing, answering;
	struct buffer details; /* the command that asks where those that fail are */
	char told[BACKEND_NAME_LONGEST];
};

const char *traffic_backend_name(const char *name)
{
	return strncmp(name, "http:", 5) == 0 ? name + 5 : name;
}

static char *copy(const char *reply)
{
	return reply == NULL ? NULL : strdup(reply);
}

/* ---- clients */

static void take_clients(const struct haproxy_stat *stat, void *arg)
{
	struct traffic *t = arg;

	t->clients = stat->sessions;
	t->clients_max = stat->sessions_max;
	if (t->clients_max <= 0)
		return;
	if (t->full_since == 0 && t->clients >= t->clients_max) {
		t->full_since = time(NULL);
		log_warn("all %ld places for clients are taken: new ones wait until one of them "
			 "leaves or has been idle for TIMEOUT_CLIENT; raise MAXCONN, or lower "
			 "TIMEOUT_CLIENT if most are idle",
			 t->clients_max);
	} else if (t->full_since != 0 && t->clients * 100 <= t->clients_max * ROOM_PERCENT) {
		log_warn(
		    "there is room for clients again, after %ld s: %ld of %ld places are taken",
		    (long)(time(NULL) - t->full_since), t->clients, t->clients_max);
		t->full_since = 0;
	}
}

static void on_clients(const char *reply, void *arg)
{
	struct traffic *t = arg;
	char *text = copy(reply);

	t->answers_due--;
	if (text != NULL)
		haproxy_stat_read(text, take_clients, t);
	free(text);
}

/* ---- backends */

static void tell_failing(const struct haproxy_stat *stat, void *arg)
{
	struct traffic *t = arg;
	const struct backend_record *record = backend_health_find(t->backends, stat->proxy);
	bool has_address = stat->address[0] != '\0' && strncmp(stat->address, "0.0.0.0", 7) != 0;

	if (record == NULL || strcmp(t->told, stat->proxy) == 0)
		return; /* a second server of the same */
	snprintf(t->told, sizeof(t->told), "%s", stat->proxy);
	log_warn("the backend %s (%s) does not take connections: %llu failed",
		 traffic_backend_name(stat->proxy),
		 has_address ? stat->address : "no address is known", record->failures);
}

static void on_details(const char *reply, void *arg)
{
	struct traffic *t = arg;
	char *text = copy(reply);

	t->answers_due--;
	t->told[0] = '\0';
	if (text == NULL || !haproxy_stat_read(text, tell_failing, t))
		log_warn("%zu backends do not take connections", t->failing);
	else if (t->failing > TELL_MOST)
		log_warn("%zu more backends do not take connections", t->failing - TELL_MOST);
	free(text);
}

static void take_backend(const struct haproxy_stat *stat, void *arg)
{
	struct traffic *t = arg;
	const struct backend_record *record;

	t->backend_count++;
	switch (backend_health_take(t->backends, stat->proxy, stat->connect_errors, stat->bytes_out,
				    time(NULL), &record)) {
	case BACKEND_FAILS:
		if (t->failing++ < TELL_MOST)
			buffer_printf(&t->details, "%sshow stat %s 4 -1",
				      t->details.length == 0 ? "" : "; ", stat->proxy);
		break;
	case BACKEND_ANSWERS:
		if (t->answering++ < TELL_MOST)
			log_info("the backend %s takes connections again, after %llu failed",
				 traffic_backend_name(record->name), record->failures);
		break;
	case BACKEND_NO_NEWS:
		break;
	}
}

static void on_backends(const char *reply, void *arg)
{
	struct traffic *t = arg;
	char *text = copy(reply);
	struct error err = ERROR_INIT;

	t->answers_due--;
	if (text == NULL)
		return;
	t->backend_count = t->failing = t->answering = 0;
	buffer_init(&t->details, WORKERS_COMMAND_LENGTH_MAX);
	haproxy_stat_read(text, take_backend, t);
	free(text);
	t->next_sweep = (long)(t->backend_count / BACKENDS_PER_SECOND / TICK_SECONDS);
	if (t->answering > TELL_MOST)
		log_info("%zu more backends take connections again", t->answering - TELL_MOST);
	if (t->failing > 0 && workers_command(t->workers, t->worker, buffer_text(&t->details),
					      on_details, t, &err) == 0)
		t->answers_due++;
	buffer_free(&t->details);
}

/* ---- the clock */

static void ask(struct traffic *t, const char *text, master_reply *done)
{
	struct error err = ERROR_INIT;

	if (workers_command(t->workers, t->worker, text, done, t, &err) == 0)
		t->answers_due++;
	else
		log_debug("HAProxy's counters: %s", err.text);
}

static void look(struct traffic *t)
{
	pid_t worker = workers_current(t->workers);

	if (t->answers_due > 0)
		return;
	if (worker != t->worker) {
		t->worker = worker;
		t->next_sweep = 0;
		t->clients = t->clients_max = 0;
		backend_health_new_worker(t->backends);
	}
	if (worker == 0)
		return;
	ask(t, "show stat tls 1 -1", on_clients);
	if (t->next_sweep-- <= 0)
		ask(t, "show stat -1 2 -1", on_backends);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/* ---- the object */

struct traffic *traffic_new(struct event_base *base, struct workers *workers, struct error *err)
{
	static const struct timeval tick = {TICK_SECONDS, 0};
	struct traffic *t = calloc(1, sizeof(*t));

	if (t == NULL)
		goto fail;
	t->workers = workers;
	t->backends = backend_health_new();
	t->timer = event_new(base, -1, EV_PERSIST, on_tick, t);
	if (t->backends == NULL || t->timer == NULL || event_add(t->timer, &tick) != 0)
		goto fail;
	return t;
fail:
	traffic_free(t);
	error_no_memory(err);
	return NULL;
}

void traffic_free(struct traffic *t)
{
	if (t == NULL)
		return;
	if (t->timer != NULL)
		event_free(t->timer);
	backend_health_free(t->backends);
	free(t);
}

void traffic_get_status(const struct traffic *t, struct traffic_status *status)
{
	*status = (struct traffic_status){
	    .clients = t->clients,
	    .clients_max = t->clients_max,
	    .full_since = t->full_since,
	    .backends = t->backends,
	};
}
