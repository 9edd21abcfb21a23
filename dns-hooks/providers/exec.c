#include "dns-hooks/providers/exec.h"

#include "common/log.h"
#include "common/settings.h"
#include "common/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PROPAGATION_DEFAULT = 300, /* seconds */
	OUTPUT_MAX = 64 * 1024,
	LAST_LINE_MAX = 200, /* of what it wrote, in messages */
};

/* The program is the operator's: the limits of this project, which are there for what a peer
 * sends, do not apply to it. */
static const struct confinement for_operator = {
    .capabilities = CAPABILITIES_ALL,
    .memory_max = CONFINEMENT_UNLIMITED,
    .file_max = CONFINEMENT_UNLIMITED,
    .may_gain_rights = true,
};

struct exec {
	const char *program; /* the environment's */
	char **environment;  /* settings_free_environment() */
	long timeout_ms;
};

static void exec_close(void *opaque)
{
	struct exec *state = opaque;

	settings_free_environment(state->environment);
	free(state);
}

static int check_program(const char *path, struct error *err)
{
	struct stat info;

	if (path == NULL)
		return error_set(err, EXIT_BAD_CONFIG, "DNS_EXEC is not set");
	if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG,
			 "DNS_EXEC is \"%.200s\": must be the path of an executable file", path);
}

static void *exec_open(const struct settings *settings, struct error *err)
{
	const char *program = settings_provider_variable("DNS_EXEC");
	long timeout = settings->propagation_timeout;
	struct exec *state = NULL;

	if (check_program(program, err) != 0)
		return NULL;
	state = calloc(1, sizeof(*state));
	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->program = program;
	state->timeout_ms = (timeout > 0 ? timeout : PROPAGATION_DEFAULT) * 1000;
	state->environment = settings_child_environment(settings, FOR_DNS, NULL, err);
	if (state->environment != NULL)
		return state;
	exec_close(state);
	return NULL;
}

/* ---- running it */

/* Logs what it wrote; `last` receives the last line that says something. */
static void log_output(const struct exec *state, const struct buffer *output,
		       char last[LAST_LINE_MAX])
{
	const char *at = buffer_text(output);

	*last = '\0';
	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		if (length > 0) {
			log_info("%s: %.*s", state->program, (int)length, at);
			snprintf(last, LAST_LINE_MAX, "%.*s", (int)length, at);
		}
		at += length + (at[length] == '\n');
	}
}

static int judge(const struct exec *state, const char *const *argv, int status, const char *last,
		 struct error *err)
{
	char ending[64];

	if (status == 0)
		return 0;
	spawn_describe_status(status, ending, sizeof(ending));
	/* The program may have done a part of its work. */
	return error_set(err, EXIT_UNREACHABLE, "DNS_EXEC: `%s %s %s ...` %s%s%s", state->program,
			 argv[1], argv[2], ending, *last == '\0' ? "" : ": ", last);
}

static int run(const struct exec *state, const char *action, const struct record *record,
	       struct error *err)
{
	char name[sizeof(domain_name) + 1], last[LAST_LINE_MAX];
	const char *const argv[] = {state->program, action, name, record->value, NULL};
	struct spawn spec = SPAWN_INIT;
	struct buffer output;
	int status = 0;

	if (record->type != RECORD_TXT)
		return error_set(err, EXIT_FAILED,
				 "DNS_PROVIDER=exec makes TXT records only; make the %s record of "
				 "%s by hand",
				 record_type_text(record), record->name);
	snprintf(name, sizeof(name), "%s.", record->name);
	spec.argv = argv;
	spec.envp = (const char *const *)state->environment;
	spec.join_stderr = true;
	spec.drops_excess = true; /* how much it says is no measure of what it did */
	spec.confinement = &for_operator;
	buffer_init(&output, OUTPUT_MAX);
	int result = spawn_run(&spec, state->timeout_ms, &output, &status, err);
	log_output(state, &output, last);
	if (output.length == output.maximum)
		log_warn("%s: what it said after %d bytes is not shown", state->program,
			 OUTPUT_MAX);
	buffer_free(&output);
	if (result == 0)
		return judge(state, argv, status, last, err);
	if (err->code != EXIT_TRY_LATER)
		err->code = EXIT_UNREACHABLE; /* as above */
	return error_wrap(err, "DNS_EXEC");
}

static int exec_change(void *opaque, const struct zone *zone, const char *name,
		       const struct record_list *present, const struct change_list *changes,
		       struct error *err)
{
	(void)zone;
	(void)name;
	(void)present;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		if (change->kind != CHANGE_REMOVE &&
		    run(opaque, "present", &change->after, err) != 0)
			return -1;
		if (change->kind != CHANGE_ADD && run(opaque, "cleanup", &change->before, err) != 0)
			return -1;
	}
	return 0;
}

const struct provider_class exec_class = {
    .name = "exec",
    .challenge_ttl = 60, /* nobody can tell what it uses; CAs keep answers for so long */
    .record_ttl = 300,
    .propagation_timeout = PROPAGATION_DEFAULT,
    .cname_beside_others = false,
    .caa_separator = "; ",
    .open = exec_open,
    .close = exec_close,
    .change = exec_change,
};
