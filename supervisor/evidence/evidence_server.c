#include "supervisor/evidence/evidence_server.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/children/jobs.h"
#include "supervisor/children/restarts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = SOMAXCONN,
};

struct evidence_server {
	struct evidence_server_options options;
	struct process *process;
	struct event *restart;
	int listener;
	struct restarts restarts;
	bool stopping;
};

/* The socket is bound under another name and renamed, so that there is a socket at any moment
 * and one that a killed run left behind does not matter. */
static int listen_at(const char *folder, const char *name, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[sizeof(address.sun_path)];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a socket");
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.new", folder,
			     name) >= sizeof(address.sun_path)) {
		error_set(err, EXIT_BAD_CONFIG, "RUN_DIR is too long for a unix socket: %s",
			  folder);
		goto fail;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(address.sun_path, 0666) != 0 || listen(fd, BACKLOG) != 0 ||
	    rename(address.sun_path, path) != 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot listen at %s", path);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

static int start(struct evidence_server *server, struct error *err);

/* Seconds until then: a server that cannot run is tried less and less often. */
static long start_later(struct evidence_server *server)
{
	long delay = restarts_next_delay(&server->restarts);

	event_add(server->restart, &(struct timeval){delay, 0});
	return delay;
}

static void on_exit_of_server(const struct process_result *result, void *arg)
{
	struct evidence_server *server = arg;
	struct error err = ERROR_INIT;

	server->process = NULL;
	if (server->stopping)
		return;
	if (process_check(result, "it ended", &err) == 0)
		error_set(&err, EXIT_FAILED, "it ended by itself");
	error_wrap(&err, "ingress-evidence %s", server->options.command);
	log_error("%s; it is started again in %ld s", err.text, start_later(server));
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct evidence_server *server = arg;
	struct error err = ERROR_INIT;

	(void)fd;
	(void)what;
	if (!server->stopping && start(server, &err) != 0) {
		log_error("%s", err.text);
		start_later(server);
	}
}

static int start(struct evidence_server *server, struct error *err)
{
	const char *const words[] = {server->options.command, "--fd", "3", NULL};
	const struct job service = {
	    .program = JOB_EVIDENCE,
	    .words = words,
	    .output_level = LOG_INFO,
	    .third_fd = server->listener,
	    .done = on_exit_of_server,
	    .arg = server,
	};

	server->process = jobs_start(server->options.jobs, &service, err);
	if (server->process == NULL)
		return -1;
	restarts_started(&server->restarts);
	return 0;
}

struct evidence_server *evidence_server_new(const struct evidence_server_options *options,
					    struct error *err)
{
	struct evidence_server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		error_no_memory(err);
		return NULL;
	}
	server->options = *options;
	server->listener = listen_at(options->folder, options->socket, err);
	if (server->listener < 0)
		goto fail;
	server->restart = evtimer_new(options->base, on_restart, server);
	if (server->restart == NULL) {
		error_no_memory(err);
		goto fail;
	}
	return server;
fail:
	evidence_server_free(server);
	return NULL;
}

void evidence_server_start(struct evidence_server *server)
{
	event_add(server->restart, &(struct timeval){0, 0});
}

void evidence_server_stop(struct evidence_server *server)
{
	server->stopping = true;
	event_del(server->restart);
	if (server->process != NULL)
		process_end(server->process);
}

void evidence_server_free(struct evidence_server *server)
{
	if (server == NULL)
		return;
	if (server->restart != NULL)
		event_free(server->restart);
	file_close(&server->listener);
	free(server);
}

pid_t evidence_server_pid(const struct evidence_server *server)
{
	return server->process == NULL ? 0 : process_pid(server->process);
}
