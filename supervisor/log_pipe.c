#include "supervisor/log_pipe.h"

#include "common/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_pipe {
	int fd;
	struct bufferevent *stream;
};

/* These are log lines already: each was written at once (PIPE_BUF) by a program that masks its
 * secrets.  log_forward() passes them on, and gives up on a reader of our log that is
 * stuck. */
static void on_lines(struct bufferevent *stream, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	char *line;

	(void)arg;
	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		log_forward(line);
		free(line);
	}
	if (evbuffer_get_length(input) >= LOG_LINE_MAX) /* none of ours */
		evbuffer_drain(input, (size_t)-1);
}

struct log_pipe *log_pipe_new(struct event_base *base, const char *path, struct error *err)
{
	struct log_pipe *log_pipe = calloc(1, sizeof(*log_pipe));

	if (log_pipe == NULL) {
		error_no_memory(err);
		return NULL;
	}
	unlink(path);
	/* Opened for writing too, so that the last writer's end is not the end. */
	log_pipe->fd = mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	if (log_pipe->fd < 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", path);
		goto fail;
	}
	log_pipe->stream = bufferevent_socket_new(base, log_pipe->fd, 0);
	if (log_pipe->stream == NULL) {
		error_no_memory(err);
		goto fail;
	}
	bufferevent_setcb(log_pipe->stream, on_lines, NULL, NULL, NULL);
	bufferevent_enable(log_pipe->stream, EV_READ);
	return log_pipe;
fail:
	log_pipe_free(log_pipe);
	return NULL;
}

void log_pipe_free(struct log_pipe *log_pipe)
{
	if (log_pipe == NULL)
		return;
	if (log_pipe->stream != NULL)
		bufferevent_free(log_pipe->stream);
	if (log_pipe->fd >= 0)
		close(log_pipe->fd);
	free(log_pipe);
}
