#include "supervisor/haproxy/master_socket.h"

#include "common/buffer.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct master_command {
	struct bufferevent *connection;
	struct buffer reply;
	master_reply *done;
	void *arg;
};

void master_command_cancel(struct master_command *command)
{
	if (command == NULL)
		return;
	if (command->connection != NULL)
		bufferevent_free(command->connection);
	buffer_free(&command->reply);
	free(command);
}

static void take(struct master_command *command)
{
	struct evbuffer *input = bufferevent_get_input(command->connection);
	char piece[4096];
	int got;

	while ((got = evbuffer_remove(input, piece, sizeof(piece))) > 0)
		buffer_append(&command->reply, piece, (size_t)got);
}

static void on_data(struct bufferevent *connection, void *arg)
{
	(void)connection;
	take(arg);
}

/* The master keeps a connection open for more commands until it sees the end of them. */
static void on_sent(struct bufferevent *connection, void *arg)
{
	(void)arg;
	shutdown(bufferevent_getfd(connection), SHUT_WR);
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
	struct master_command *command = arg;

	(void)connection;
	if (what & BEV_EVENT_CONNECTED)
		return;
	take(command);
	/* An old master drops the connection while it re-executes; the text that came until then
	 * is its answer. */
	bool answered = (what & BEV_EVENT_EOF) != 0 && !command->reply.failed;
	command->done(answered ? buffer_text(&command->reply) : NULL, command->arg);
	master_command_cancel(command);
}

static int begin(struct master_command *command, struct event_base *base, const char *path,
		 const char *text, int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    sizeof(address.sun_path))
		return -1;
	command->connection =
	    bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (command->connection == NULL)
		return -1;
	bufferevent_setcb(command->connection, on_data, on_sent, on_event, command);
	bufferevent_set_timeouts(command->connection, &timeout, &timeout);
	bufferevent_enable(command->connection, EV_READ | EV_WRITE);
	evbuffer_add_printf(bufferevent_get_output(command->connection), "%s\n", text);
	return bufferevent_socket_connect(command->connection, (struct sockaddr *)&address,
					  sizeof(address));
}

struct master_command *master_command(struct event_base *base, const char *socket_path,
				      const char *text, int timeout_ms, master_reply *done,
				      void *arg)
{
	struct master_command *command = calloc(1, sizeof(*command));

	if (command == NULL)
		return NULL;
	buffer_init(&command->reply, MASTER_REPLY_MAX);
	command->done = done;
	command->arg = arg;
	if (begin(command, base, socket_path, text, timeout_ms) != 0) {
		master_command_cancel(command);
		return NULL;
	}
	return command;
}

/* ---- show proc */

/* The worker of a list, or of its old workers, that has seen the fewest reloads. */
struct newest {
	pid_t pid; /* 0: none */
	long reloads;
};

static void take_old_worker(struct master_processes *p, pid_t pid, long reloads,
			    struct newest *newest)
{
	if (p->old_worker_count < MASTER_OLD_WORKERS_MAX)
		p->old_workers[p->old_worker_count] = pid;
	p->old_worker_count++;
	if (newest->pid == 0 || reloads < newest->reloads)
		*newest = (struct newest){pid, reloads};
}

static void take_worker(struct master_processes *p, pid_t pid, long reloads, struct newest *newest)
{
	if (newest->pid == 0 || reloads < newest->reloads) {
		p->worker_before = newest->pid;
		*newest = (struct newest){pid, reloads};
	} else {
		p->worker_before = pid;
	}
	p->worker = newest->pid;
}

void master_drop_old_worker(struct master_processes *p, pid_t pid)
{
	for (unsigned i = 0; i < p->old_worker_count && i < MASTER_OLD_WORKERS_MAX; i++) {
		if (p->old_workers[i] != pid)
			continue;
		p->old_worker_count--;
		if (p->old_worker_count < MASTER_OLD_WORKERS_MAX)
			p->old_workers[i] = p->old_workers[p->old_worker_count];
		return;
	}
}

/* HAProxy 3.1 and later list the worker that serves among the old ones as soon as a reload
 * begins, and keep it there when the reload fails. */
static void look_among_old_ones(struct master_processes *p, const struct newest *newest_old)
{
	if (p->worker == 0) {
		p->worker = newest_old->pid;
		master_drop_old_worker(p, p->worker);
	} else if (p->worker_before == 0) {
		p->worker_before = newest_old->pid;
	}
}

enum { TYPE_SIZE = 16 };

/* "PID TYPE RELOADS ..."; `type` is "" for what is no such line. */
static pid_t read_process(const char *line, char type[TYPE_SIZE], long *reloads)
{
	char *end = NULL;
	long pid = strtol(line, &end, 10);

	*reloads = 0;
	if (pid <= 0 || pid > INT_MAX || sscanf(end, "%15s %ld", type, reloads) < 1)
		type[0] = '\0';
	return (pid_t)pid;
}

static void take_master(struct master_processes *p, const char *line, size_t length, long reloads)
{
	const char *failed = memmem(line, length, "[failed: ", 9);

	p->reloads = reloads;
	p->reload_failed = failed != NULL && strtol(failed + 9, NULL, 10) > 0;
}

bool master_parse_processes(const char *reply, struct master_processes *processes)
{
	bool old = false, seen_master = false;
	struct newest newest = {0, 0}, newest_old = {0, 0};

	*processes = (struct master_processes){0};
	for (const char *line = reply; *line != '\0';) {
		char type[TYPE_SIZE];
		long reloads;
		pid_t pid = read_process(line, type, &reloads);
		size_t length = strcspn(line, "\n");

		if (strncmp(line, "# old workers", 13) == 0)
			old = true;
		else if (strncmp(line, "# workers", 9) == 0)
			old = false;
		else if (strcmp(type, "worker") == 0 && old)
			take_old_worker(processes, pid, reloads, &newest_old);
		else if (strcmp(type, "worker") == 0)
			take_worker(processes, pid, reloads, &newest);
		else if (strcmp(type, "master") == 0) {
			take_master(processes, line, length, reloads);
			seen_master = true;
		}
		line += length + (line[length] == '\n');
	}
	look_among_old_ones(processes, &newest_old);
	return seen_master;
}
