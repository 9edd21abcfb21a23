#include "supervisor/haproxy/worker_addresses.h"

#include "common/log.h"
#include "supervisor/haproxy/inspection.h"
#include "supervisor/haproxy/render_backends.h"
#include "supervisor/haproxy/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RETRY_MS = 500,
	FAILURES_MAX = 20, /* in a row, before a reload is tried instead */
	/* Of one backend: three servers with two commands each. */
	COMMANDS_MAX = 6 * (BACKEND_NAME_MAX + 64),
	BATCH_MAX = WORKERS_COMMAND_LENGTH_MAX - COMMANDS_MAX,
};

/* What a worker knows: the changes up to `told`, and of the one behind it so many backends. */
struct knowledge {
	pid_t worker;
	unsigned long told;
	size_t backends;
};

/* Which change a configuration was written at. */
struct written {
	unsigned long generation, change;
};

struct worker_addresses {
	struct worker_addresses_options options;
	struct backend *backends; /* sorted by name */
	size_t backend_count;
	struct written effective, candidate;
	struct knowledge known;
	bool telling;
	struct knowledge batch; /* what will be known once that is accepted */
	size_t batch_changes;	/* of addresses in it */
	struct event *retry;
	unsigned failures;
	bool stopped;
};

/* ---- commands */

static void put_command(struct buffer *text, const char *server)
{
	buffer_printf(text, "%sset server %s ", text->length > 0 ? "; " : "", server);
}

static void put_server(struct worker_addresses *w, struct buffer *text, const char *server,
		       const struct backend *backend, const struct backend_address *entry)
{
	char address[IP_TEXT_SIZE];

	put_command(text, server);
	if (!entry->known) {
		buffer_puts(text, "state maint");
		return;
	}
	ip_text(&entry->address, address);
	buffer_printf(text, "addr %s port %hu", address, backend->route->target.port);
	put_command(text, server);
	buffer_puts(text, "state ready");
	w->batch_changes++;
}

/* The servers of templates/backend.cfg and http-backend.cfg. */
static void put_backend(struct worker_addresses *w, struct buffer *text,
			const struct backend *backend, const struct backend_address *entry)
{
	char server[BACKEND_NAME_MAX + 16];

	snprintf(server, sizeof(server), "%s/app", backend->name);
	put_server(w, text, server, backend, entry);
	if (!routes_by_request(w->options.settings))
		return;
	snprintf(server, sizeof(server), "http:%s/app", backend->name);
	put_server(w, text, server, backend, entry);
	snprintf(server, sizeof(server), "http:%s/h2", backend->name);
	put_server(w, text, server, backend, entry);
}

static int compare_host(const char *host, size_t length, const struct backend *backend)
{
	int order = strncmp(host, backend->name, length);

	return order != 0 ? order : ':' - (unsigned char)backend->name[length];
}

/* The backends HOST:PORT... stand together, since they are sorted by that text. */
static size_t find_backends(const struct worker_addresses *w, const char *host, size_t *count)
{
	size_t low = 0, high = w->backend_count, length = strlen(host);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_host(host, length, &w->backends[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < w->backend_count &&
	       compare_host(host, length, &w->backends[low + *count]) == 0)
		(*count)++;
	return low;
}

/* Puts as much as a batch holds of what the worker does not know yet. */
static void put_batch(struct worker_addresses *w, struct buffer *text)
{
	const struct backend_address *entry;

	w->batch = w->known;
	w->batch_changes = 0;
	while (text->length < BATCH_MAX &&
	       (entry = backend_addresses_after(w->options.table, w->batch.told)) != NULL) {
		size_t count, first = find_backends(w, entry->name, &count);
		while (w->batch.backends < count && text->length < BATCH_MAX)
			put_backend(w, text, &w->backends[first + w->batch.backends++], entry);
		if (w->batch.backends < count)
			return;
		w->batch.told = entry->change;
		w->batch.backends = 0;
	}
}

bool worker_addresses_accepted(const char *reply, size_t changes, char complaint[COMPLAINT_SIZE])
{
	static const char *const good[] = {"IP changed from ", "no need to change the addr, ",
					   "nothing changed", "port changed from "};
	size_t accepted = 0;

	snprintf(complaint, COMPLAINT_SIZE, "not all of them are answered");
	while (*reply != '\0') {
		size_t length = strcspn(reply, "\n"), before = accepted;
		for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
			accepted += strncmp(reply, good[i], strlen(good[i])) == 0;
		if (accepted == before && length > 0) {
			snprintf(complaint, COMPLAINT_SIZE, "\"%.*s\"",
				 length < 150 ? (int)length : 150, reply);
			return false;
		}
		reply += length + (reply[length] == '\n');
	}
	return accepted == changes;
}

/* ---- telling the worker */

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	worker_addresses_tell(arg);
}

/* The rollout logs this failure; the retries go on in any case. */
static void on_reloaded(const struct error *err, void *arg)
{
	(void)err;
	(void)arg;
}

static void on_failure(struct worker_addresses *w, const char *complaint)
{
	struct error err = ERROR_INIT;

	log_debug("HAProxy's worker %d did not take the addresses of backends: %s",
		  (int)w->batch.worker, complaint);
	event_add(w->retry, &(struct timeval){0, RETRY_MS * 1000});
	if (++w->failures < FAILURES_MAX)
		return;
	w->failures = 0;
	log_warn("HAProxy's worker %d does not take the addresses of backends (%s): it is "
		 "replaced by a reload",
		 (int)w->batch.worker, complaint);
	if (haproxy_apply(w->options.haproxy, on_reloaded, w, &err) != 0)
		log_error("%s", err.text);
}

static void on_answer(const char *reply, void *arg)
{
	struct worker_addresses *w = arg;
	char complaint[COMPLAINT_SIZE] = "it does not answer";

	w->telling = false;
	if (w->stopped)
		return;
	if (reply == NULL || !worker_addresses_accepted(reply, w->batch_changes, complaint)) {
		on_failure(w, complaint);
		return;
	}
	w->failures = 0;
	w->known = w->batch;
	worker_addresses_tell(w);
}

static void note_effective(struct worker_addresses *w, const struct haproxy_status *status)
{
	if (status->generation >= w->candidate.generation)
		w->effective = w->candidate;
}

void worker_addresses_tell(struct worker_addresses *w)
{
	struct error err = ERROR_INIT;
	struct haproxy_status status;
	struct buffer text;

	if (w->stopped || w->telling)
		return; /* whoever answers goes on with what is new */
	event_del(w->retry);
	haproxy_get_status(w->options.haproxy, &status);
	note_effective(w, &status);
	if (status.worker == 0)
		return; /* it will be heard of */
	/* Another worker has the configuration in effect, or a later one. */
	if (w->known.worker != status.worker)
		w->known = (struct knowledge){.worker = status.worker, .told = w->effective.change};
	if (w->known.told >= backend_addresses_changes(w->options.table))
		return;
	buffer_init(&text, WORKERS_COMMAND_LENGTH_MAX + 1);
	put_batch(w, &text);
	if (buffer_check(&text, "what HAProxy is told", &err) == 0 &&
	    workers_command(haproxy_workers(w->options.haproxy), status.worker, buffer_text(&text),
			    on_answer, w, &err) == 0)
		w->telling = true;
	else
		on_failure(w, err.text);
	buffer_free(&text);
}

void worker_addresses_rendered(struct worker_addresses *w)
{
	struct haproxy_status status;

	haproxy_get_status(w->options.haproxy, &status);
	note_effective(w, &status);
	w->candidate = (struct written){.generation = status.generation + 1,
					.change = backend_addresses_changes(w->options.table)};
}

void worker_addresses_stop(struct worker_addresses *w)
{
	w->stopped = true;
	event_del(w->retry);
}

/* ---- the object */

struct worker_addresses *worker_addresses_new(const struct worker_addresses_options *options,
					      struct error *err)
{
	struct worker_addresses *w = calloc(1, sizeof(*w));

	if (w == NULL)
		goto no_memory;
	w->options = *options;
	w->retry = evtimer_new(options->base, on_retry, w);
	if (w->retry == NULL)
		goto no_memory;
	w->backends = backends_list(options->settings, &w->backend_count, err);
	if (w->backends == NULL)
		goto fail;
	return w;
no_memory:
	error_no_memory(err);
fail:
	worker_addresses_free(w);
	return NULL;
}

void worker_addresses_free(struct worker_addresses *w)
{
	if (w == NULL)
		return;
	if (w->retry != NULL)
		event_free(w->retry);
	free(w->backends);
	free(w);
}
