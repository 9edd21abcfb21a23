/* ingressctl: the user's hand on a running ingressd. */
#include "common/domain.h"
#include "common/error.h"
#include "common/http.h"
#include "common/json.h"
#include "common/log.h"
#include "common/privileges.h"
#include "common/say.h"
#include "supervisor/ctl_client.h"
#include "supervisor/ctl_dns.h"
#include "supervisor/ctl_health.h"
#include "supervisor/ctl_probe.h"
#include "supervisor/ctl_status.h"
#include "supervisor/verify/verify.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	SOCKET_PATH_MAX = 256,
	RENEW_DEADLINE = 1800, /* seconds; slow DNS is slow */
	POLL_MS = 200,
	PROBE_SECONDS = 10, /* an old worker may take a moment to stop listening */
	PATH_MAX_LENGTH = 900,
};

static const char usage[] =
    "usage: ingressctl [--socket PATH] COMMAND\n"
    "\n"
    "  status [--json]            what is served, until when, and what is wrong\n"
    "  health [--live]            whether all domains are served (--live: the processes run)\n"
    "  reload                     write HAProxy's configuration anew and load it\n"
    "  renew [DOMAIN] [--force]   check now, and order what is due (--force: in any case)\n"
    "  dns plan [DOMAIN...]       the DNS changes that would be made, and why\n"
    "  dns apply [DOMAIN...]      make them (ingressd does so by itself before each order)\n"
    "  probe [--port PORT] [--proxy] NAME[=SERIAL]...\n"
    "                             show the certificate that a handshake returns\n"
    "  verify https://HOST[:PORT]  whether that is the attested app  (verify --help tells more)\n"
    "  version\n"
    "\n"
    "PATH is RUN_DIR/control.sock unless given; RUN_DIR is /run/ingress unless set.\n"
    "dns has ingressd run ingress-dns, for 15 minutes at most; it goes on when ingressctl is\n"
    "interrupted.\n"
    "Exit status: 0 ok, 1 failed, 64 usage, 69 ingressd or what it needs does not answer, 75 try\n"
    "later, 78 settings or credentials are wrong.\n";

struct options {
	char socket[SOCKET_PATH_MAX];
	bool json, force, live, proxy;
	unsigned short port;
};

static int usage_error(const char *what)
{
	fprintf(stderr, "ingressctl: %s\n%s", what, usage);
	return EXIT_USAGE_ERROR;
}

static int report(const struct error *err)
{
	say(stderr, "ingressctl: %s", err->text);
	return (int)err->code;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- status, health, reload */

static int status(const struct options *o)
{
	struct error err = ERROR_INIT;
	cJSON *json = ctl_request(o->socket, "GET", "/v1/status", &err);
	char *text;

	if (json == NULL)
		return report(&err);
	if (o->json) {
		text = json_print(json, true, &err);
		if (text != NULL)
			puts(text);
		free(text);
	} else {
		ctl_print_status(json, time(NULL), stdout);
	}
	cJSON_Delete(json);
	return EXIT_OK;
}

static int health(const struct options *o)
{
	struct error err = ERROR_INIT;
	cJSON *json = ctl_request(o->socket, "GET", "/v1/status", &err);
	bool healthy;

	if (json == NULL)
		return report(&err);
	healthy = ctl_health(json, o->live, time(NULL), stdout);
	cJSON_Delete(json);
	return healthy ? EXIT_OK : EXIT_FAILED;
}

static int reload(const struct options *o)
{
	struct error err = ERROR_INIT;
	cJSON *json = ctl_request(o->socket, "POST", "/v1/reload", &err);

	if (json == NULL)
		return report(&err);
	cJSON_Delete(json);
	puts("HAProxy serves the new configuration");
	return EXIT_OK;
}

/* ---- renew */

/* What the wait has seen of one domain: enough to print each step once. */
struct progress {
	char state[48];
	bool failed;
};

/* Prints what changed; true while the domain is still on its way. */
static bool follow(const cJSON *domain, struct progress *seen)
{
	const char *name = json_string(domain, "name");
	const char *state = json_string(domain, "state");
	const char *error = json_string(domain, "error");
	bool waiting;

	if (name == NULL || state == NULL)
		return false;
	waiting = strncmp(state, "waiting", 7) == 0;
	if (strcmp(state, seen->state) != 0)
		say(stdout, "[%s] %s%s%s", name, state, waiting && error != NULL ? ": " : "",
		    waiting && error != NULL ? error : "");
	snprintf(seen->state, sizeof(seen->state), "%s", state);
	seen->failed = waiting;
	return strncmp(state, "working", 7) == 0;
}

/* One look at all the domains asked for: 1 still working, 0 all have come to rest, -1. */
static int look(const struct options *o, const char *name, struct progress *seen, size_t count,
		struct error *err)
{
	cJSON *json = ctl_request(o->socket, "GET", "/v1/status", err);
	const cJSON *domain;
	bool working = false;
	size_t i = 0;

	if (json == NULL)
		return -1;
	cJSON_ArrayForEach(domain, json_array(json, "domains"))
	{
		const char *its_name = json_string(domain, "name");
		bool wanted = name == NULL || (its_name != NULL && domain_is_meant(its_name, name));
		if (i < count && wanted && follow(domain, &seen[i]))
			working = true;
		i++;
	}
	cJSON_Delete(json);
	return working;
}

static int wait_for_rest(const struct options *o, const char *name, size_t count, struct error *err)
{
	struct progress *seen = calloc(count + 1, sizeof(*seen));
	time_t deadline = time(NULL) + RENEW_DEADLINE;
	int working = 1;

	if (seen == NULL)
		return error_no_memory(err);
	while (working == 1 && time(NULL) < deadline) {
		working = look(o, name, seen, count, err);
		fflush(stdout);
		if (working == 1)
			pause_ms(POLL_MS);
	}
	if (working == 1)
		working =
		    error_set(err, EXIT_TRY_LATER,
			      "not finished after %d s; `ingressctl status` tells how it goes",
			      RENEW_DEADLINE);
	for (size_t i = 0; working == 0 && i < count; i++)
		if (seen[i].failed)
			working = error_set(err, EXIT_FAILED,
					    "not every domain came through; ingressd tries again");
	free(seen);
	return working;
}

static int count_domains(const struct options *o, size_t *count, struct error *err)
{
	cJSON *json = ctl_request(o->socket, "GET", "/v1/status", err);

	if (json == NULL)
		return -1;
	*count = (size_t)cJSON_GetArraySize(json_array(json, "domains"));
	cJSON_Delete(json);
	return 0;
}

static int renew(const struct options *o, const char *name)
{
	struct error err = ERROR_INIT;
	char path[PATH_MAX_LENGTH];
	char *escaped = name == NULL ? NULL : http_escape(name);
	size_t count;
	cJSON *json;

	snprintf(path, sizeof(path), "/v1/renew?force=%d%s%s", o->force,
		 escaped == NULL ? "" : "&domain=", escaped == NULL ? "" : escaped);
	free(escaped);
	json = ctl_request(o->socket, "POST", path, &err);
	cJSON_Delete(json);
	if (json == NULL || count_domains(o, &count, &err) != 0 ||
	    wait_for_rest(o, name, count, &err) != 0)
		return report(&err);
	return EXIT_OK;
}

/* ---- dns */

static int dns(const struct options *o, int argc, char **argv)
{
	struct error err = ERROR_INIT;

	if (argc < 1 || (strcmp(argv[0], "plan") != 0 && strcmp(argv[0], "apply") != 0))
		return usage_error("dns takes plan or apply");
	if (ctl_dns(o->socket, argv[0], argv + 1, (size_t)argc - 1, &err) != 0)
		return report(&err);
	return EXIT_OK;
}

/* ---- probe */

/* `target` is NAME or NAME=SERIAL; with a serial, waits until that one is served. */
static int probe(const struct options *o, const char *target)
{
	const char *wanted = strchr(target, '=');
	char serial[CERTIFICATE_SERIAL_MAX] = "";
	struct error err = ERROR_INIT;
	time_t deadline = time(NULL) + PROBE_SECONDS;
	char *name = strndup(target, strcspn(target, "="));
	int rc;

	if (name == NULL) {
		error_no_memory(&err);
		return report(&err);
	}
	for (;;) {
		rc = probe_serial(name, o->port, o->proxy, serial, &err);
		if (rc == 0 && wanted != NULL && strcasecmp(serial, wanted + 1) != 0)
			rc =
			    error_set(&err, EXIT_FAILED, "%s is served with certificate %s, not %s",
				      name, serial, wanted + 1);
		if (rc == 0 || wanted == NULL || time(NULL) >= deadline)
			break;
		pause_ms(POLL_MS);
	}
	if (rc == 0)
		say(stdout, "%s %s", name, serial);
	free(name);
	return rc == 0 ? EXIT_OK : report(&err);
}

static int probe_all(const struct options *o, char **targets)
{
	int worst = EXIT_OK;

	if (targets[0] == NULL)
		return usage_error("probe needs a name");
	/* It reads what a server sends, and needs nothing for that but a socket. */
	privileges_drop_as_far_as_can_be(USER_PROBE);
	for (; targets[0] != NULL; targets++) {
		int rc = probe(o, targets[0]);
		if (rc > worst)
			worst = rc;
	}
	return worst;
}

/* ---- arguments */

static int run(const struct options *o, int argc, char **argv)
{
	const char *command = argv[0];

	if (strcmp(command, "status") == 0 && argc == 1)
		return status(o);
	if (strcmp(command, "health") == 0 && argc == 1)
		return health(o);
	if (strcmp(command, "reload") == 0 && argc == 1)
		return reload(o);
	if (strcmp(command, "renew") == 0 && argc <= 2)
		return renew(o, argc == 2 ? argv[1] : NULL);
	if (strcmp(command, "dns") == 0)
		return dns(o, argc - 1, argv + 1);
	if (strcmp(command, "probe") == 0)
		return probe_all(o, argv + 1);
	if (strcmp(command, "version") == 0 && argc == 1)
		return printf("ingressctl %s\n", VERSION) < 0;
	return usage_error("this command is not understood");
}

static bool parse_port(const char *text, unsigned short *port)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 1 || value > 65535)
		return false;
	*port = (unsigned short)value;
	return true;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"force", no_argument, NULL, 'f'},
	    {"live", no_argument, NULL, 'l'},
	    {"port", required_argument, NULL, 'p'},
	    {"proxy", no_argument, NULL, 'P'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			snprintf(o->socket, sizeof(o->socket), "%s", optarg);
		else if (option == 'j')
			o->json = true;
		else if (option == 'f')
			o->force = true;
		else if (option == 'l')
			o->live = true;
		else if (option == 'P')
			o->proxy = true;
		else if (option == 'p' && !parse_port(optarg, &o->port))
			return usage_error("--port must be a number from 1 to 65535");
		else if (option == 'v')
			return printf("ingressctl %s\n", VERSION) < 0;
		else if (option == 'h')
			return fputs(usage, stdout) < 0;
		else if (option == '?')
			return usage_error("an option is not understood");
	}
	return -1;
}

int main(int argc, char **argv)
{
	const char *run_dir = getenv("RUN_DIR");
	struct options options = {.port = 443};
	int rc;

	log_setup_from_environment("ingressctl");
	signal(SIGPIPE, SIG_IGN);
	snprintf(options.socket, sizeof(options.socket), "%s/control.sock",
		 run_dir == NULL || run_dir[0] == '\0' ? "/run/ingress" : run_dir);
	/* It needs no daemon, so that a socket in front of it does not matter, and has options of
	 * its own. */
	int first = argc > 2 && strcmp(argv[1], "--socket") == 0 ? 3 : 1;
	if (argc > first && strcmp(argv[first], "verify") == 0)
		return verify_command(argc - first, argv + first);
	rc = parse(argc, argv, &options);
	if (rc >= 0)
		return rc;
	if (optind == argc)
		return usage_error("a command is needed");
	return run(&options, argc - optind, argv + optind);
}
