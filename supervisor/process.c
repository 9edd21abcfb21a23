#include "supervisor/process.h"

#include "common/file.h"
#include "common/spawn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DRAIN_STEP = 65536 };

struct process {
	LIST_ENTRY(process) link;
	struct process_table *table;
	pid_t pid;
	const char *name;
	process_done *done;
	void *arg;
	enum log_level levels[2]; /* of standard output and standard error */
	enum log_level (*judge)(const char *line);
	struct bufferevent *streams[2];
	struct buffer output;
	bool capture;
	bool is_job;
	struct event *deadline;
	bool timed_out;
	bool ending;
	char last_error[PROCESS_LINE_MAX];
	char tail[PROCESS_TAIL_LINES][PROCESS_LINE_MAX];
	unsigned tail_next;
};

struct process_table {
	struct event_base *base;
	struct event *sigchld;
	LIST_HEAD(, process) processes;
	size_t count;
};

/* ---- output */

static void keep_tail(struct process *p, const char *line)
{
	char *slot = p->tail[p->tail_next++ % PROCESS_TAIL_LINES];

	snprintf(slot, PROCESS_LINE_MAX, "%s", line);
}

/* A job's errors come back in its result, to be told once and with context; everything
 * else is logged as it comes. */
static void take_line(struct process *p, int stream, char *line)
{
	enum log_level level = p->levels[stream];
	const char *text = log_strip_prefix(line, &level);
	bool is_prefixed = text != line;

	if (text[0] == '\0')
		return;
	if (p->judge != NULL && !is_prefixed)
		level = p->judge(text);
	if (stream == 1 && (!is_prefixed || level == LOG_ERROR))
		snprintf(p->last_error, sizeof(p->last_error), "%s", text);
	if (p->is_job && is_prefixed && level == LOG_ERROR)
		level = LOG_DEBUG;
	keep_tail(p, text);
	log_child(p->name, level, text);
}

/* Takes whole lines; `flush` takes what stands behind the last newline too, and so does a
 * line that grows past the maximum, so that a child cannot make us hoard. */
static void take_lines(struct process *p, int stream, bool flush)
{
	struct evbuffer *input = bufferevent_get_input(p->streams[stream]);
	char *line;

	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_ANY)) != NULL) {
		take_line(p, stream, line);
		free(line);
	}
	size_t rest = evbuffer_get_length(input);
	if (rest == 0 || (!flush && rest < PROCESS_LINE_MAX))
		return;
	char piece[PROCESS_LINE_MAX];
	int got = evbuffer_remove(input, piece, sizeof(piece) - 1);
	piece[got > 0 ? got : 0] = '\0';
	take_line(p, stream, piece);
}

static void capture(struct process *p)
{
	struct evbuffer *input = bufferevent_get_input(p->streams[0]);
	char piece[4096];
	int got;

	while ((got = evbuffer_remove(input, piece, sizeof(piece))) > 0)
		buffer_append(&p->output, piece, (size_t)got);
}

static void take_stream(struct process *p, int stream, bool flush)
{
	if (p->streams[stream] == NULL)
		return;
	if (stream == 0 && p->capture)
		capture(p);
	else
		take_lines(p, stream, flush);
}

static void on_stdout(struct bufferevent *stream, void *arg)
{
	(void)stream;
	take_stream(arg, 0, false);
}

static void on_stderr(struct bufferevent *stream, void *arg)
{
	(void)stream;
	take_stream(arg, 1, false);
}

static void close_stream(struct process *p, int stream)
{
	if (p->streams[stream] == NULL)
		return;
	int fd = bufferevent_getfd(p->streams[stream]);
	bufferevent_free(p->streams[stream]);
	close(fd);
	p->streams[stream] = NULL;
}

static void on_stream_end(struct bufferevent *stream, short what, void *arg)
{
	struct process *p = arg;
	int which = stream == p->streams[0] ? 0 : 1;

	(void)what;
	take_stream(p, which, true);
	close_stream(p, which);
}

/* Reads what the child left in the pipe: its exit may be seen before its last words. */
static void drain(struct process *p, int stream)
{
	if (p->streams[stream] == NULL)
		return;
	struct evbuffer *input = bufferevent_get_input(p->streams[stream]);
	int fd = bufferevent_getfd(p->streams[stream]);

	evbuffer_unfreeze(input, 0); /* only the bufferevent itself may fill it otherwise */
	while (evbuffer_read(input, fd, DRAIN_STEP) > 0)
		take_stream(p, stream, false);
	take_stream(p, stream, true);
	close_stream(p, stream);
}

/* ---- end of a child */

static void process_free(struct process *p)
{
	close_stream(p, 0);
	close_stream(p, 1);
	if (p->deadline != NULL)
		event_free(p->deadline);
	buffer_free(&p->output);
	free(p);
}

static void join_tail(const struct process *p, struct buffer *text)
{
	buffer_init(text, (size_t)PROCESS_TAIL_LINES * (PROCESS_LINE_MAX + 1));
	for (unsigned i = 0; i < PROCESS_TAIL_LINES; i++) {
		const char *line = p->tail[(p->tail_next + i) % PROCESS_TAIL_LINES];
		if (line[0] != '\0')
			buffer_printf(text, "%s\n", line);
	}
}

static void finish(struct process *p, int status)
{
	struct buffer tail;

	/* What the leader started in its group must not outlive it. */
	kill(-p->pid, SIGKILL);
	LIST_REMOVE(p, link);
	p->table->count--;
	drain(p, 0);
	drain(p, 1);
	join_tail(p, &tail);
	struct process_result result = {
	    .pid = p->pid,
	    .status = status,
	    .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	    .timed_out = p->timed_out,
	    .output = &p->output,
	    .last_error = p->last_error,
	    .tail = buffer_text(&tail),
	};
	if (p->done != NULL)
		p->done(&result, p->arg);
	buffer_free(&tail);
	process_free(p);
}

static struct process *find(struct process_table *table, pid_t pid)
{
	struct process *p;

	LIST_FOREACH(p, &table->processes, link)
	if (p->pid == pid)
		return p;
	return NULL;
}

/* A pid that is in no table is an orphan that came to us as reaper: nothing else to do. */
static void on_sigchld(evutil_socket_t signal, short what, void *arg)
{
	struct process_table *table = arg;
	int status;
	pid_t pid;

	(void)signal;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *p = find(table, pid);
		if (p != NULL)
			finish(p, status);
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;

	(void)fd;
	(void)what;
	if (p->ending) {
		kill(-p->pid, SIGKILL);
		return;
	}
	p->timed_out = true;
	log_warn("%s (pid %d) has passed its deadline and is ended", p->name, (int)p->pid);
	process_end(p);
}

void process_end(struct process *p)
{
	static const struct timeval delay = {PROCESS_KILL_DELAY, 0};

	if (p->ending)
		return;
	p->ending = true;
	kill(-p->pid, SIGTERM);
	event_add(p->deadline, &delay);
}

/* ---- start */

static struct bufferevent *open_stream(struct process *p, int fd, bufferevent_data_cb on_data)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	struct bufferevent *stream = bufferevent_socket_new(p->table->base, fd, 0);
	if (stream == NULL) {
		close(fd);
		return NULL;
	}
	bufferevent_setcb(stream, on_data, NULL, on_stream_end, p);
	bufferevent_enable(stream, EV_READ);
	return stream;
}

static struct process *process_new(struct process_table *table, const struct process_spec *spec)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->table = table;
	p->name = spec->name;
	p->done = spec->done;
	p->arg = spec->arg;
	p->levels[0] = spec->stdout_level;
	p->levels[1] = spec->stderr_level;
	p->judge = spec->judge;
	p->is_job = spec->timeout > 0;
	p->capture = spec->capture_max > 0;
	buffer_init(&p->output, spec->capture_max);
	p->deadline = evtimer_new(table->base, on_deadline, p);
	if (p->deadline == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static int launch(struct process *p, const struct process_spec *spec, int out[2], int errs[2],
		  struct error *err)
{
	struct spawn spawn = SPAWN_INIT;

	spawn.argv = spec->argv;
	spawn.envp = spec->envp;
	spawn.stdout_fd = out[1];
	spawn.stderr_fd = errs[1];
	spawn.extra_fd = spec->extra_fd;
	spawn.death_signal = spec->death_signal;
	p->pid = spawn_start(&spawn, err);
	return p->pid < 0 ? -1 : 0;
}

struct process *process_start(struct process_table *table, const struct process_spec *spec,
			      struct error *err)
{
	int out[2] = {-1, -1}, errs[2] = {-1, -1};
	struct process *p = process_new(table, spec);

	if (p == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errs, O_CLOEXEC) != 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot make a pipe for %s", spec->name);
		goto fail;
	}
	if (launch(p, spec, out, errs, err) != 0)
		goto fail;
	file_close(&out[1]);
	file_close(&errs[1]);
	p->streams[0] = open_stream(p, out[0], on_stdout);
	p->streams[1] = open_stream(p, errs[0], on_stderr);
	LIST_INSERT_HEAD(&table->processes, p, link);
	table->count++;
	if (spec->timeout > 0)
		event_add(p->deadline, &(struct timeval){spec->timeout, 0});
	log_debug("started %s (pid %d)", spec->name, (int)p->pid);
	return p;
fail:
	for (int i = 0; i < 2; i++) {
		file_close(&out[i]);
		file_close(&errs[i]);
	}
	process_free(p);
	return NULL;
}

pid_t process_pid(const struct process *p)
{
	return p->pid;
}

void process_signal(struct process *p, int signal)
{
	kill(p->pid, signal);
}

/* ---- the table */

struct process_table *process_table_new(struct event_base *base, struct error *err)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		error_no_memory(err);
		return NULL;
	}
	LIST_INIT(&table->processes);
	table->base = base;
	table->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, table);
	if (table->sigchld == NULL || event_add(table->sigchld, NULL) != 0) {
		error_set(err, EXIT_FAILED, "cannot watch for the end of child processes");
		free(table);
		return NULL;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return table;
}

void process_table_free(struct process_table *table)
{
	struct process *p;

	if (table == NULL)
		return;
	while ((p = LIST_FIRST(&table->processes)) != NULL) {
		kill(-p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		LIST_REMOVE(p, link);
		process_free(p);
	}
	event_free(table->sigchld);
	free(table);
}

void process_end_jobs(struct process_table *table)
{
	struct process *p;

	LIST_FOREACH(p, &table->processes, link)
	if (p->is_job)
		process_end(p);
}

size_t process_count(const struct process_table *table)
{
	return table->count;
}

/* ---- results */

static enum exit_code code_of(const struct process_result *result)
{
	switch (result->exit_code) {
	case EXIT_USAGE_ERROR:
	case EXIT_UNREACHABLE:
	case EXIT_TRY_LATER:
	case EXIT_BAD_CONFIG:
		return (enum exit_code)result->exit_code;
	default:
		return EXIT_FAILED;
	}
}

int process_check(const struct process_result *result, const char *what, struct error *err)
{
	char how[128];

	if (result->exit_code == 0 && !result->timed_out)
		return 0;
	if (result->timed_out)
		return error_set(err, EXIT_TRY_LATER, "%s took too long and was ended", what);
	if (result->last_error[0] != '\0')
		return error_set(err, code_of(result), "%s: %s", what, result->last_error);
	spawn_describe_status(result->status, how, sizeof(how));
	return error_set(err, code_of(result), "%s: it %s", what, how);
}
