/* ingressctl: the user's hand on a running ingressd. */
#include "common/command_line.h"
#include "common/json.h"
#include "common/log.h"
#include "common/standard_streams.h"
#include "supervisor/control/control_api.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/dns.h"
#include "supervisor/ctl/health.h"
#include "supervisor/ctl/probe.h"
#include "supervisor/ctl/renew.h"
#include "supervisor/ctl/show.h"
#include "supervisor/verify/verify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SOCKET_PATH_MAX = 256 };

/* What the options of all commands set. */
struct values {
	const char *socket;
	bool json, force, live, all;
	struct probe_options probe;
	struct verify_command verify;
};

/* ---- commands: -1 with err, or the exit status */

static int run_status(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;
	cJSON *json = ctl_request(v->socket, "GET", CONTROL_PATH_STATUS, err);
	int rc = 0;

	(void)arguments;
	(void)count;
	if (json == NULL)
		return -1;
	if (v->json) {
		char *text = json_print(json, true, err);
		rc = text == NULL ? -1 : 0;
		if (text != NULL)
			puts(text);
		free(text);
	} else {
		ctl_print_status(json, time(NULL), stdout);
	}
	cJSON_Delete(json);
	return rc;
}

static int run_health(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	(void)arguments;
	(void)count;
	if (v->live && v->all)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--live and --all exclude each other: the one asks for less than "
				 "usual, the other for more");
	cJSON *json = ctl_request(v->socket, "GET", CONTROL_PATH_STATUS, err);
	if (json == NULL)
		return -1;
	bool healthy = ctl_health(json,
				  v->live  ? HEALTH_LIVE
				  : v->all ? HEALTH_ALL
					   : HEALTH_SERVED,
				  time(NULL), stdout);
	cJSON_Delete(json);
	return healthy ? EXIT_OK : EXIT_FAILED;
}

static int run_reload(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;
	cJSON *json = ctl_request(v->socket, "POST", CONTROL_PATH_RELOAD, err);

	(void)arguments;
	(void)count;
	if (json == NULL)
		return -1;
	cJSON_Delete(json);
	puts("HAProxy serves the new configuration");
	return EXIT_OK;
}

static int run_renew(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	return ctl_renew(v->socket, count == 0 ? NULL : arguments[0], v->force, err);
}

static int run_dns_plan(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	return ctl_dns(v->socket, CONTROL_PATH_DNS_PLAN, arguments, count, err);
}

static int run_dns_apply(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	return ctl_dns(v->socket, CONTROL_PATH_DNS_APPLY, arguments, count, err);
}

static int run_probe(void *arg, char **arguments, size_t count, struct error *err)
{
	const struct values *v = arg;

	return ctl_probe(&v->probe, arguments, count, err);
}

static int run_verify(void *arg, char **arguments, size_t count, struct error *err)
{
	struct values *v = arg;

	return verify_run(&v->verify, count == 0 ? NULL : arguments[0], err);
}

static int run_version(void *arg, char **arguments, size_t count, struct error *err)
{
	(void)arg;
	(void)arguments;
	(void)count;
	(void)err;
	return printf("ingressctl %s\n", VERSION) < 0;
}

/* ---- their table */

#define PLACE(member) .place = offsetof(struct values, member)

static const struct command_option program_options[] = {
    {.name = "socket",
     .value = "PATH",
     .help = "ingressd's control socket: RUN_DIR/control.sock unless given;\n"
	     "RUN_DIR is /run/ingress unless set",
     PLACE(socket)},
    {.name = NULL},
};

static const struct command_option status_options[] = {
    {.name = "json", .help = "all of it, for programs", PLACE(json)},
    {.name = NULL},
};

static const struct command_option health_options[] = {
    {.name = "live", .help = "whether the processes run, whatever is served", PLACE(live)},
    {.name = "all", .help = "the evidence and what failed of late as well", PLACE(all)},
    {.name = NULL},
};

static const struct command_option renew_options[] = {
    {.name = "force", .help = "order in any case", PLACE(force)},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "status",
     .arguments = "",
     .help = "what is served, until when, and what is wrong",
     .options = status_options,
     .takes_program_options = true,
     .run = run_status},
    {.name = "health",
     .arguments = "",
     .help = "whether all domains are served",
     .options = health_options,
     .takes_program_options = true,
     .run = run_health},
    {.name = "reload",
     .arguments = "",
     .help = "write HAProxy's configuration anew and load it",
     .takes_program_options = true,
     .run = run_reload},
    {.name = "renew",
     .arguments = "[DOMAIN]",
     .most = 1,
     .help = "check now, and order what is due",
     .options = renew_options,
     .takes_program_options = true,
     .run = run_renew},
    {.name = "dns plan",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "the DNS changes that would be made, and why; ingressd has\n"
	     "ingress-dns find them, for 15 minutes at most, and goes on when\n"
	     "ingressctl is interrupted",
     .takes_program_options = true,
     .run = run_dns_plan},
    {.name = "dns apply",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "make them (ingressd does so by itself before each order)",
     .takes_program_options = true,
     .run = run_dns_apply},
    {.name = "probe",
     .arguments = "NAME[=SERIAL]...",
     .least = 1,
     .most = ARGUMENTS_ANY,
     .help = "the certificate that a handshake with this host returns; with\n"
	     "SERIAL waits a moment until it is that one",
     .options = probe_command_options,
     .base = offsetof(struct values, probe),
     .run = run_probe},
    {.name = "verify",
     .arguments = "https://HOST[:PORT]",
     .most = 1,
     .help = "whether that is the attested app; instead of a site also\n"
	     "`--dir DIR`, what --save wrote, or `--quote FILE`, a TDX quote",
     .options = verify_options,
     .base = offsetof(struct values, verify),
     .run = run_verify},
    {.name = "version", .arguments = "", .help = "", .run = run_version},
};

static const struct program program = {
    .name = "ingressctl",
    .options = program_options,
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .is_for_people = true,
    .notes = "Exit status: 0 ok, 1 failed, 64 usage, 69 ingressd, the site or what they need does\n"
	     "not answer, 75 try later, 78 settings, credentials or a file given are wrong.\n",
};

int main(int argc, char **argv)
{
	const char *run_dir = getenv("RUN_DIR");
	char socket_path[SOCKET_PATH_MAX];
	struct values values = {.socket = socket_path, .probe = {.port = PROBE_PORT}};

	standard_streams_open();
	log_setup_from_environment("ingressctl");
	signal(SIGPIPE, SIG_IGN);
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock",
		 run_dir == NULL || run_dir[0] == '\0' ? "/run/ingress" : run_dir);
	verify_init(&values.verify);
	return command_line_run(&program, argc, argv, &values);
}
