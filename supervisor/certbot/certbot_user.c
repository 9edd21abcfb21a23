#include "supervisor/certbot/certbot_user.h"

#include "common/confinement.h"
#include "common/file.h"
#include "common/privileges.h"
#include "common/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STATUS_MAX = 4096, /* what is needed of /proc/PID/status stands in its first lines */
	SCRIPT_LINE_MAX = 256,
	/* How often what is left is looked for, a millisecond apart. */
	ROUNDS = 100,
};

static const struct timespec MOMENT = {0, 1000000};

/* ---- with his rights */

/* Both calls return what was before, whether they work or not. */
static bool take(uid_t user, gid_t group)
{
	setfsgid(group);
	setfsuid(user);
	return (uid_t)setfsuid((uid_t)-1) == user && (gid_t)setfsgid((gid_t)-1) == group;
}

int certbot_user_begin(uid_t user, struct error *err)
{
	if (user == 0 || take(user, user))
		return 0;
	certbot_user_end(user);
	return error_set(err, EXIT_FAILED, "there is no user %u, or no right to be one",
			 (unsigned)user);
}

void certbot_user_end(uid_t user)
{
	if (user != 0 && !take(geteuid(), getegid()))
		abort(); /* never: going on with another's rights would be worse */
}

int certbot_user_open(uid_t user, int folder, const char *name, int flags)
{
	struct error ignored = ERROR_INIT;

	if (certbot_user_begin(user, &ignored) != 0) {
		errno = EPERM;
		return -1;
	}
	int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int cause = errno;
	certbot_user_end(user);
	errno = cause;
	return fd;
}

/* ---- whether he can do what he has to */

static bool lacks_rights(char *why, size_t size)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {{CAP_CHOWN, "CHOWN"},
		      {CAP_KILL, "KILL"},
		      {CAP_SETGID, "SETGID"},
		      {CAP_SETUID, "SETUID"}};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!confinement_has(needed[i].number) && length < size)
			length += (size_t)snprintf(
			    why + length, size - length, "%s%s",
			    length == 0 ? "it has not got the capabilities " : " ", needed[i].name);
	return length > 0;
}

/* What runs a script: behind "#!" in `line`; "" if it is none. */
static const char *interpreter_in(char line[SCRIPT_LINE_MAX])
{
	char *at = line + 2;

	if (strncmp(line, "#!", 2) != 0)
		return "";
	at += strspn(at, " \t");
	at[strcspn(at, " \t\n")] = '\0';
	return at;
}

static bool can_execute(const char *path, char line[SCRIPT_LINE_MAX])
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
	    (info.st_mode & S_IXOTH) == 0)
		return false;
	ssize_t got = read(fd, line, SCRIPT_LINE_MAX - 1);
	line[got > 0 ? got : 0] = '\0';
	return true;
}

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool certbot_user_can_run(uid_t user, const char *program, const char *folder, char *why,
			  size_t size)
{
	char line[SCRIPT_LINE_MAX], next[SCRIPT_LINE_MAX];
	struct error err = ERROR_INIT;

	if (lacks_rights(why, size))
		return false;
	AUTO_FREE char *path = spawn_find_program(program, &err);
	if (path == NULL || certbot_user_begin(user, &err) != 0) {
		snprintf(why, size, "%s", err.text);
		return false;
	}
	const char *missing = NULL, *interpreter;
	if (!is_folder(folder))
		missing = folder;
	else if (!can_execute(path, line))
		missing = path;
	else if (*(interpreter = interpreter_in(line)) != '\0' && !can_execute(interpreter, next))
		missing = interpreter;
	if (missing != NULL)
		snprintf(why, size, "user %u, whom it would have, cannot use %s", (unsigned)user,
			 missing);
	certbot_user_end(user);
	return missing == NULL;
}

/* ---- processes */

struct seen {
	pid_t pid, parent;
	bool is_his; /* and not dead */
};

struct list {
	struct seen *items;
	size_t count, room;
};

static const char *value_of(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at == NULL ? "" : at + strlen(name);
}

/* As one of its four ids: real, effective, saved, of the file system. */
static bool runs_as(const char *status, uid_t user)
{
	const char *at = value_of(status, "\nUid:");
	char *end;

	for (int i = 0; i < 4; i++, at = end)
		if (strtoul(at, &end, 10) == user)
			return true;
	return false;
}

static int add(struct list *list, pid_t pid, const char *status, uid_t user)
{
	const char *state = value_of(status, "\nState:");

	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct seen *items = realloc(list->items, room * sizeof(*items));
		if (items == NULL)
			return -1;
		list->items = items;
		list->room = room;
	}
	state += strspn(state, " \t");
	list->items[list->count++] = (struct seen){
	    .pid = pid,
	    .parent = (pid_t)strtol(value_of(status, "\nPPid:"), NULL, 10),
	    .is_his = runs_as(status, user) && *state != 'Z' && *state != 'X',
	};
	return 0;
}

/* One that has ended meanwhile is no matter. */
static int look_at(struct list *list, int proc, const char *name, uid_t user)
{
	char path[64], status[STATUS_MAX];
	char *end;
	long pid = strtol(name, &end, 10);

	if (*end != '\0' || pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "%ld/status", pid);
	AUTO_CLOSE int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
	if (got <= 0)
		return 0;
	status[got] = '\0';
	return add(list, (pid_t)pid, status, user);
}

static int list_processes(struct list *list, uid_t user, struct error *err)
{
	const struct dirent *entry;
	DIR *proc = opendir("/proc");
	int rc = 0;

	if (proc == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read /proc");
	while (rc == 0 && (entry = readdir(proc)) != NULL)
		rc = look_at(list, dirfd(proc), entry->d_name, user);
	closedir(proc);
	return rc == 0 ? 0 : error_no_memory(err);
}

static const struct seen *find(const struct list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].pid == pid)
			return &list->items[i];
	return NULL;
}

enum whose { OURS, ELSEWHERE, UNKNOWN };

/* A parent that has ended while they were read leaves it open whose a process is. */
static enum whose whose(const struct list *list, const struct seen *process)
{
	pid_t self = getpid();

	for (size_t i = 0; process != NULL && i < list->count; i++) {
		if (process->parent == self)
			return OURS;
		if (process->parent == 0)
			return ELSEWHERE;
		process = find(list, process->parent);
	}
	return UNKNOWN;
}

/* How many live processes run as `user`; with `kills` ours are ended. */
static int look(uid_t user, bool kills, unsigned counts[UNKNOWN + 1], struct error *err)
{
	struct list list = {NULL, 0, 0};
	int rc = list_processes(&list, user, err);

	memset(counts, 0, (UNKNOWN + 1) * sizeof(*counts));
	for (size_t i = 0; rc == 0 && i < list.count; i++) {
		if (!list.items[i].is_his)
			continue;
		enum whose kind = whose(&list, &list.items[i]);
		counts[kind]++;
		if (kills && kind == OURS)
			kill(list.items[i].pid, SIGKILL);
	}
	free(list.items);
	return rc;
}

/* To signal others the effective user counts, to be signalled by them the real and the saved one.
 */
static bool become_ender(uid_t user)
{
	uid_t real, effective, saved;

	return setresuid(USER_ENDER, user, USER_ENDER) == 0 &&
	       confinement_drop_capabilities(0, 0) == 0 && !confinement_has(CAP_KILL) &&
	       getresuid(&real, &effective, &saved) == 0 && real == USER_ENDER &&
	       effective == user && saved == USER_ENDER;
}

/*
 * The kernel goes through them without letting one of them begin another, whatever /proc shows; the
 * child that has it do so is out of their reach.  Handlers of ours must not run in it, which share
 * this process's descriptors.  Whether it was done.
 */
static bool kill_all_of(uid_t user)
{
	sigset_t all, before;
	int status = -1;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t child = fork();
	if (child == 0)
		_exit(become_ender(user) && (kill(-1, SIGKILL) == 0 || errno == ESRCH) ? 0 : 1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

static int cannot_end(uid_t user, struct error *err)
{
	return error_set(err, EXIT_TRY_LATER,
			 "what certbot has left running as user %u cannot be ended",
			 (unsigned)user);
}

int certbot_user_end_processes(uid_t user, struct error *err)
{
	unsigned counts[UNKNOWN + 1];

	if (user == 0)
		return 0;
	if (look(user, false, counts, err) != 0)
		return -1;
	/* Where another ingressd uses the same number, its certbot is left alone. */
	bool is_done = counts[ELSEWHERE] > 0;
	for (int i = 0; i < ROUNDS; i++) {
		if (!is_done)
			is_done = kill_all_of(user);
		if (look(user, true, counts, err) != 0)
			return -1;
		if (is_done && counts[OURS] + counts[UNKNOWN] == 0)
			return 0;
		nanosleep(&MOMENT, NULL);
	}
	return cannot_end(user, err);
}

int certbot_user_claim(uid_t user, struct error *err)
{
	unsigned counts[UNKNOWN + 1] = {0};

	if (user != 0 && look(user, false, counts, err) != 0)
		return -1;
	if (counts[ELSEWHERE] > 0)
		return error_set(err, EXIT_TRY_LATER, "processes of another program run as user %u",
				 (unsigned)user);
	return counts[OURS] + counts[UNKNOWN] == 0 ? 0 : certbot_user_end_processes(user, err);
}
