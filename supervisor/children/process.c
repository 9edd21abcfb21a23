#include "supervisor/children/process.h"

#include "common/file.h"
#include "common/spawn.h"
#include "supervisor/children/child_output.h"
#include "supervisor/children/container_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	LIST_ENTRY(process) link;
	struct process_table *table;
	pid_t pid;
	const char *name;
	process_done *done;
	void *arg;
	struct child_output *output;
	bool is_job;
	struct event *deadline;
	bool timed_out;
	bool ending;
};

struct process_table {
	struct event_base *base;
	struct event *sigchld;
	LIST_HEAD(, process) processes;
	size_t count;
};

/* ---- end of a child */

static void process_free(struct process *p)
{
	child_output_free(p->output);
	if (p->deadline != NULL)
		event_free(p->deadline);
	free(p);
}

static void finish(struct process *p, int status)
{
	struct buffer tail;

	/* Processes that the leader started in its group must not outlive it. */
	kill(-p->pid, SIGKILL);
	LIST_REMOVE(p, link);
	p->table->count--;
	child_output_drain(p->output);
	child_output_tail(p->output, &tail);
	struct process_result result = {
	    .pid = p->pid,
	    .status = status,
	    .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	    .timed_out = p->timed_out,
	    .output = child_output_captured(p->output),
	    .last_error = child_output_last_error(p->output),
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

/* A pid that is in no table belongs to an orphan, which this process reaps and needs to do
 * nothing else about. */
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

static struct process *process_new(struct process_table *table, const struct process_spec *spec)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->table = table;
	p->name = spec->name;
	p->done = spec->done;
	p->arg = spec->arg;
	p->is_job = spec->timeout > 0;
	p->deadline = evtimer_new(table->base, on_deadline, p);
	if (p->deadline == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static struct child_output *open_output(const struct process *p, const struct process_spec *spec,
					int *stdout_fd, int *stderr_fd, struct error *err)
{
	const struct child_output_options options = {
	    .name = spec->name,
	    .stdout_level = spec->stdout_level,
	    .stderr_level = spec->stderr_level,
	    .judge = spec->judge,
	    .capture_max = spec->capture_max,
	    .errors_are_reported = p->is_job,
	};

	return child_output_open(p->table->base, &options, stdout_fd, stderr_fd, err);
}

static int launch(struct process *p, const struct process_spec *spec, struct error *err)
{
	int out AUTO_CLOSE = -1, errs AUTO_CLOSE = -1; /* the child's ends */
	struct spawn spawn = SPAWN_INIT;

	p->output = open_output(p, spec, &out, &errs, err);
	if (p->output == NULL)
		return -1;
	spawn.argv = spec->argv;
	spawn.envp = spec->envp;
	if (spec->stdin_fd > 0)
		spawn.stdin_fd = spec->stdin_fd;
	spawn.stdout_fd = out;
	spawn.stderr_fd = errs;
	spawn.extra_fd = spec->extra_fd;
	spawn.death_signal = spec->death_signal;
	spawn.confinement = spec->confinement;
	p->pid = spawn_start(&spawn, err);
	return p->pid < 0 ? -1 : 0;
}

struct process *process_start(struct process_table *table, const struct process_spec *spec,
			      struct error *err)
{
	struct process *p = process_new(table, spec);

	if (p == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (launch(p, spec, err) != 0) {
		process_free(p);
		return NULL;
	}
	LIST_INSERT_HEAD(&table->processes, p, link);
	table->count++;
	if (spec->timeout > 0)
		event_add(p->deadline, &(struct timeval){spec->timeout, 0});
	log_debug("started %s (pid %d)", spec->name, (int)p->pid);
	return p;
}

pid_t process_pid(const struct process *p)
{
	return p->pid;
}

const struct buffer *process_captured(const struct process *p)
{
	return child_output_captured(p->output);
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

enum exit_code process_exit_code(int status)
{
	switch (status) {
	case EXIT_USAGE_ERROR:
	case EXIT_UNREACHABLE:
	case EXIT_TRY_LATER:
	case EXIT_BAD_CONFIG:
		return (enum exit_code)status;
	default:
		return EXIT_FAILED;
	}
}

void process_describe_end(int status, char text[PROCESS_END_SIZE])
{
	char words[MEMORY_WORDS_SIZE];
	size_t length;

	spawn_describe_status(status, text, PROCESS_END_SIZE);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return;
	container_memory_why_killed(&container_memory_usual, words);
	length = strlen(text);
	snprintf(text + length, PROCESS_END_SIZE - length, "; %s", words);
}

int process_check(const struct process_result *result, const char *what, struct error *err)
{
	char how[PROCESS_END_SIZE];

	if (result->exit_code == 0 && !result->timed_out)
		return 0;
	if (result->timed_out)
		return error_set(err, EXIT_TRY_LATER, "%s took too long and was ended", what);
	/* Of a child that was killed the last words say nothing about that. */
	if (!WIFSIGNALED(result->status) && result->last_error[0] != '\0')
		return error_set(err, process_exit_code(result->exit_code), "%s: %s", what,
				 result->last_error);
	process_describe_end(result->status, how);
	return error_set(err, process_exit_code(result->exit_code), "%s: it %s", what, how);
}
