#include "supervisor/children/child_output.h"

#include "common/file.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAIN_STEP = 65536, STDOUT = 0, STDERR = 1 };

struct child_output {
	struct child_output_options options;
	struct bufferevent *streams[2]; /* NULL once at their end */
	struct buffer captured;
	char last_error[CHILD_LINE_MAX];
	char tail[CHILD_TAIL_LINES][CHILD_LINE_MAX]; /* a ring */
	unsigned tail_next;
};

/* ---- lines */

static void keep_tail(struct child_output *o, const char *line)
{
	char *slot = o->tail[o->tail_next++ % CHILD_TAIL_LINES];

	snprintf(slot, CHILD_LINE_MAX, "%s", line);
}

static void take_line(struct child_output *o, int stream, const char *line)
{
	enum log_level level = stream == STDOUT ? o->options.stdout_level : o->options.stderr_level;
	const char *text = log_strip_prefix(line, &level);
	bool is_prefixed = text != line;
	bool is_judged = is_prefixed;

	if (text[0] == '\0')
		return;
	if (o->options.judge != NULL && !is_prefixed) {
		level = o->options.judge(text);
		is_judged = true;
	}
	if (stream == STDERR && (!is_judged || level == LOG_ERROR))
		snprintf(o->last_error, sizeof(o->last_error), "%s", text + strspn(text, " "));
	if (o->options.errors_are_reported && is_prefixed && level == LOG_ERROR)
		level = LOG_DEBUG;
	keep_tail(o, text);
	log_child(o->options.name, level, text);
}

/* Takes whole lines.  The text behind the last newline waits for the rest of its line, unless
 * this is the end (`flush`) or it is longer than a line may be, so that a child cannot make this
 * program keep any amount of it. */
static void take_lines(struct child_output *o, int stream, bool flush)
{
	struct evbuffer *input = bufferevent_get_input(o->streams[stream]);
	char piece[CHILD_LINE_MAX];
	char *line;

	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_ANY)) != NULL) {
		take_line(o, stream, line);
		free(line);
	}
	for (;;) {
		size_t rest = evbuffer_get_length(input);
		if (rest == 0 || (!flush && rest < CHILD_LINE_MAX))
			return;
		int got = evbuffer_remove(input, piece, sizeof(piece) - 1);
		piece[got > 0 ? got : 0] = '\0';
		take_line(o, stream, piece);
	}
}

static void capture(struct child_output *o)
{
	struct evbuffer *input = bufferevent_get_input(o->streams[STDOUT]);
	char piece[4096];
	int got;

	while ((got = evbuffer_remove(input, piece, sizeof(piece))) > 0)
		buffer_append(&o->captured, piece, (size_t)got);
}

static void take(struct child_output *o, int stream, bool flush)
{
	if (stream == STDOUT && o->options.capture_max > 0)
		capture(o);
	else
		take_lines(o, stream, flush);
}

/* ---- streams */

static void close_stream(struct child_output *o, int stream)
{
	int fd = bufferevent_getfd(o->streams[stream]);

	bufferevent_free(o->streams[stream]);
	close(fd);
	o->streams[stream] = NULL;
}

static int which(const struct child_output *o, const struct bufferevent *stream)
{
	return stream == o->streams[STDOUT] ? STDOUT : STDERR;
}

static void on_data(struct bufferevent *stream, void *arg)
{
	take(arg, which(arg, stream), false);
}

static void on_end(struct bufferevent *stream, short what, void *arg)
{
	int stream_index = which(arg, stream);

	(void)what;
	take(arg, stream_index, true);
	close_stream(arg, stream_index);
}

/* The pipe's reading end becomes the stream; the other goes to `child_fd`. */
static int open_stream(struct child_output *o, int stream, struct event_base *base, int *child_fd,
		       struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a pipe for %s",
				       o->options.name);
	*child_fd = fds[1];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	o->streams[stream] = bufferevent_socket_new(base, fds[0], 0);
	if (o->streams[stream] == NULL) {
		close(fds[0]);
		return error_no_memory(err);
	}
	bufferevent_setcb(o->streams[stream], on_data, NULL, on_end, o);
	bufferevent_enable(o->streams[stream], EV_READ);
	return 0;
}

struct child_output *child_output_open(struct event_base *base,
				       const struct child_output_options *options, int *stdout_fd,
				       int *stderr_fd, struct error *err)
{
	struct child_output *o = calloc(1, sizeof(*o));

	*stdout_fd = *stderr_fd = -1;
	if (o == NULL) {
		error_no_memory(err);
		return NULL;
	}
	o->options = *options;
	buffer_init(&o->captured, options->capture_max);
	if (open_stream(o, STDOUT, base, stdout_fd, err) == 0 &&
	    open_stream(o, STDERR, base, stderr_fd, err) == 0)
		return o;
	file_close(stdout_fd);
	file_close(stderr_fd);
	child_output_free(o);
	return NULL;
}

void child_output_free(struct child_output *o)
{
	if (o == NULL)
		return;
	for (int stream = STDOUT; stream <= STDERR; stream++)
		if (o->streams[stream] != NULL)
			close_stream(o, stream);
	buffer_free(&o->captured);
	free(o);
}

static void drain(struct child_output *o, int stream)
{
	struct evbuffer *input = bufferevent_get_input(o->streams[stream]);
	int fd = bufferevent_getfd(o->streams[stream]);

	evbuffer_unfreeze(input, 0); /* else only the bufferevent itself may fill it */
	while (evbuffer_read(input, fd, DRAIN_STEP) > 0)
		take(o, stream, false);
	take(o, stream, true);
	close_stream(o, stream);
}

void child_output_drain(struct child_output *o)
{
	for (int stream = STDOUT; stream <= STDERR; stream++)
		if (o->streams[stream] != NULL)
			drain(o, stream);
}

/* ---- what is left of it */

const struct buffer *child_output_captured(const struct child_output *o)
{
	return &o->captured;
}

const char *child_output_last_error(const struct child_output *o)
{
	return o->last_error;
}

void child_output_tail(const struct child_output *o, struct buffer *text)
{
	buffer_init(text, (size_t)CHILD_TAIL_LINES * (CHILD_LINE_MAX + 1));
	for (unsigned i = 0; i < CHILD_TAIL_LINES; i++) {
		const char *line = o->tail[(o->tail_next + i) % CHILD_TAIL_LINES];
		if (line[0] != '\0')
			buffer_printf(text, "%s\n", line);
	}
}
