/*
 * ingress-evidence: proof that the certificates' keys live in an attested virtual machine.
 *
 *   identity   who this machine is, as its guest agent says
 *   origin     keeps the record of the keys that were made here
 *   publish    makes one generation of evidence
 *   serve      serves the current generation over HTTP
 *   attest     makes a quote over it for whoever asks
 */
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "evidence/guest_agent.h"
#include "evidence/leave_root.h"
#include "evidence/listening.h"
#include "evidence/origin.h"
#include "evidence/publish.h"
#include "evidence/serve.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SUPERVISOR_FD = 3, /* where the supervisor puts the listening socket */
	PROBLEMS_MAX = 64 * 1024,
};

static const char usage[] =
    "Usage: ingress-evidence identity\n"
    "       ingress-evidence origin [--record-fd N] [--made NAME=SPKI:SERIAL ...]\n"
    "       ingress-evidence publish [--account FILE] [--directory URL] [--history-fd N]\n"
    "                                --cert NAME=CHAIN.pem ...\n"
    "       ingress-evidence serve [--fd N | --socket PATH]\n"
    "       ingress-evidence attest [--fd N | --socket PATH]\n"
    "       ingress-evidence --version | --help\n"
    "\n"
    "identity  asks the guest agent who this virtual machine is; prints JSON\n"
    "origin    reads the record of keys that were made here from a file descriptor, adds\n"
    "          to it, and prints it anew as JSON, under a MAC by a key that the guest\n"
    "          agent gives to this app alone\n"
    "publish   makes a new generation of evidence in EVIDENCE_DIR: the ACME account\n"
    "          (certbot's regr.json), the certificate chain of each domain, their\n"
    "          digests, and the guest agent's quote over these\n"
    "serve     serves the current generation at /evidences/ over HTTP/1.1, on an\n"
    "          inherited listening socket (default: 3) or on a unix socket\n"
    "attest    answers /evidences/attestation.json?nonce=HEX with a new quote, likewise\n"
    "\n"
    "Environment: EVIDENCE_DIR, RUN_DIR, DSTACK_SOCKET, TAPPD_SOCKET, LOG_LEVEL, LOG_FORMAT\n"
    "\n"
    "Exit status: 0 done, 1 failed, 64 wrong usage, 69 no guest agent,\n"
    "             75 try again later, 78 wrong setting\n";

/* `format` says what is wrong; the rest is the same every time. */
#define WRONG_USAGE(err, format, ...) \
	error_set(err, EXIT_USAGE_ERROR, format "; see ingress-evidence --help", __VA_ARGS__)

typedef int run_command(const struct settings *settings, int argc, char **argv, struct error *err);

/* The next option's code, -1 at the end, '?' with err. */
static int next_option(int argc, char **argv, const struct option *options, struct error *err)
{
	opterr = 0; /* its messages would not go through the log */
	int option = getopt_long(argc, argv, ":", options, NULL);
	if (option == ':')
		WRONG_USAGE(err, "%s needs a value", argv[optind - 1]);
	else if (option == '?')
		WRONG_USAGE(err, "%s: there is no option %s", argv[0], argv[optind - 1]);
	else if (option == -1 && optind < argc)
		WRONG_USAGE(err, "%s: unexpected argument \"%s\"", argv[0], argv[optind]);
	else
		return option;
	return '?';
}

static int print_line(char *line, struct error *err)
{
	int result = 0;

	if (line == NULL)
		return -1;
	if (puts(line) == EOF || fflush(stdout) != 0)
		result = error_set_errno(err, EXIT_FAILED, errno, "cannot write to stdout");
	free(line);
	return result;
}

/* ---- identity */

static int run_identity(const struct settings *settings, int argc, char **argv, struct error *err)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	struct guest_agent agent;
	struct guest_identity identity;

	if (next_option(argc, argv, none, err) != -1)
		return -1;
	if (guest_agent_find(settings->dstack_socket, settings->tappd_socket, &agent, err) != 0)
		return -1;
	agent.connected = leave_root;
	if (guest_agent_identity(&agent, &identity, err) != 0)
		return -1;
	AUTO_JSON cJSON *object = cJSON_CreateObject();
	if (cJSON_AddStringToObject(object, "app_id", identity.app_id) == NULL ||
	    cJSON_AddStringToObject(object, "instance_id", identity.instance_id) == NULL ||
	    cJSON_AddStringToObject(object, "compose_hash", identity.compose_hash) == NULL ||
	    cJSON_AddStringToObject(object, "os_image_hash", identity.os_image_hash) == NULL ||
	    cJSON_AddStringToObject(object, "api", guest_agent_api_name(&agent)) == NULL)
		return error_no_memory(err);
	return print_line(json_print(object, false, err), err);
}

/* ---- origin */

static int parse_descriptor(const char *text, const char *option, int *fd, struct error *err)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 0 || value > INT_MAX)
		return WRONG_USAGE(err, "%s \"%s\" is not the number of a file descriptor", option,
				   text);
	*fd = (int)value;
	return 0;
}

/* NAME=SPKI:SERIAL; `text` is cut up. */
static int parse_made(char *text, struct key_entry *entry, struct error *err)
{
	char *rest = text;
	const char *name = strsep(&rest, "=");
	const char *spki = strsep(&rest, ":");

	*entry = (struct key_entry){.made_at = time(NULL)};
	if (spki == NULL || rest == NULL || strlen(name) >= sizeof(entry->name) ||
	    strlen(spki) >= sizeof(entry->spki) || strlen(rest) >= sizeof(entry->serial))
		return WRONG_USAGE(err, "--made \"%s\" is not NAME=SPKI:SERIAL", name);
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(entry->spki, sizeof(entry->spki), "%s", spki);
	snprintf(entry->serial, sizeof(entry->serial), "%s", rest);
	if (!key_entry_is_valid(entry))
		return WRONG_USAGE(err, "--made \"%s\": not a name, a SHA-256 and a serial", name);
	return 0;
}

static int parse_origin(int argc, char **argv, struct key_entry *made,
			struct origin_request *request, struct error *err)
{
	static const struct option options[] = {
	    {"record-fd", required_argument, NULL, 'r'},
	    {"made", required_argument, NULL, 'm'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = next_option(argc, argv, options, err)) != -1) {
		if (option == 'r') {
			if (parse_descriptor(optarg, "--record-fd", &request->record_fd, err) != 0)
				return -1;
		} else if (option != 'm' ||
			   parse_made(optarg, &made[request->made_count++], err) != 0) {
			return -1;
		}
	}
	return 0;
}

static int run_origin(const struct settings *settings, int argc, char **argv, struct error *err)
{
	/* More than there can be --made options. */
	struct key_entry *made = calloc((size_t)argc, sizeof(*made));
	struct origin_request request = {
	    .dstack_socket = settings->dstack_socket,
	    .tappd_socket = settings->tappd_socket,
	    .record_fd = -1,
	    .made = made,
	};
	int result = -1;

	if (made == NULL)
		error_no_memory(err);
	else if (parse_origin(argc, argv, made, &request, err) == 0)
		result = print_line(origin_answer(&request, err), err);
	free(made);
	return result;
}

/* ---- publish */

/* NAME=CHAIN.pem */
static int parse_cert(char *text, struct publish_cert *cert, struct error *err)
{
	char *separator = strchr(text, '=');

	if (separator == NULL || separator[1] == '\0')
		return WRONG_USAGE(err, "--cert \"%s\" is not NAME=CHAIN.pem", text);
	enum domain_verdict verdict = domain_parse(text, (size_t)(separator - text), cert->domain);
	if (verdict != DOMAIN_VALID)
		return WRONG_USAGE(err, "--cert \"%s\": the name %s", text,
				   domain_verdict_text(verdict));
	cert->chain_path = separator + 1;
	return 0;
}

static int parse_publish(int argc, char **argv, struct publish_cert *certs,
			 struct publish_request *request, struct error *err)
{
	static const struct option options[] = {
	    {"account", required_argument, NULL, 'a'},
	    {"cert", required_argument, NULL, 'c'},
	    {"directory", required_argument, NULL, 'd'},
	    {"history-fd", required_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = next_option(argc, argv, options, err)) != -1) {
		int rc = 0;
		if (option == 'a')
			request->account_path = optarg;
		else if (option == 'd')
			request->directory = optarg;
		else if (option == 'h')
			rc = parse_descriptor(optarg, "--history-fd", &request->history_fd, err);
		else if (option == 'c')
			rc = parse_cert(optarg, &certs[request->cert_count++], err);
		else
			rc = -1;
		if (rc != 0)
			return -1;
	}
	if (request->cert_count == 0)
		return WRONG_USAGE(err, "%s needs at least one --cert NAME=CHAIN.pem", argv[0]);
	return 0;
}

static int run_publish(const struct settings *settings, int argc, char **argv, struct error *err)
{
	/* More than there can be --cert options. */
	struct publish_cert *certs = calloc((size_t)argc, sizeof(*certs));
	struct publish_request request = {
	    .evidence_dir = settings->evidence_dir,
	    .run_dir = settings->run_dir,
	    .dstack_socket = settings->dstack_socket,
	    .tappd_socket = settings->tappd_socket,
	    .history_fd = -1,
	    .certs = certs,
	};
	int result = -1;

	if (certs == NULL)
		error_no_memory(err);
	else if (parse_publish(argc, argv, certs, &request, err) == 0)
		result = publish(&request, err);
	free(certs);
	return result;
}

/* ---- serve */

static int run_server(const struct settings *settings, bool attests, int argc, char **argv,
		      struct error *err)
{
	static const struct option options[] = {
	    {"fd", required_argument, NULL, 'f'},
	    {"socket", required_argument, NULL, 's'},
	    {NULL, 0, NULL, 0},
	};
	struct serve_options serve_options = {
	    .evidence_dir = settings->evidence_dir,
	    .attests = attests,
	    .dstack_socket = settings->dstack_socket,
	    .tappd_socket = settings->tappd_socket,
	};
	const char *socket_path = NULL;
	int inherited = -1;
	int option;

	while ((option = next_option(argc, argv, options, err)) != -1) {
		if (option == 's')
			socket_path = optarg;
		else if (option != 'f' || parse_descriptor(optarg, "--fd", &inherited, err) != 0)
			return -1;
	}
	if (socket_path != NULL && inherited >= 0)
		return WRONG_USAGE(err, "%s takes --fd or --socket, not both", argv[0]);
	serve_options.fd =
	    socket_path != NULL
		? listening_unix(socket_path, err)
		: listening_inherited(inherited >= 0 ? inherited : SUPERVISOR_FD, err);
	return serve_options.fd < 0 ? -1 : serve(&serve_options, err);
}

static int run_serve(const struct settings *settings, int argc, char **argv, struct error *err)
{
	return run_server(settings, false, argc, argv, err);
}

static int run_attest(const struct settings *settings, int argc, char **argv, struct error *err)
{
	return run_server(settings, true, argc, argv, err);
}

/* ---- dispatch */

static const struct {
	const char *name;
	run_command *run;
} commands[] = {
    {"identity", run_identity}, {"origin", run_origin}, {"publish", run_publish},
    {"serve", run_serve},	{"attest", run_attest},
};

/* One line of the log per problem; `text` is cut up. */
static void log_problems(char *text)
{
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
		if (line[0] != '\0')
			log_error("%s", line);
}

static int run_with_settings(run_command *command, int argc, char **argv, struct error *err)
{
	struct buffer problems, warnings;
	int result = -1;

	buffer_init(&problems, PROBLEMS_MAX);
	buffer_init(&warnings, PROBLEMS_MAX);
	struct settings *settings =
	    settings_load_for(FOR_EVIDENCE, environ, &problems, &warnings, err);
	if (settings != NULL)
		result = command(settings, argc, argv, err);
	else if (problems.data != NULL)
		log_problems(problems.data);
	settings_free(settings);
	buffer_free(&problems);
	buffer_free(&warnings);
	return result;
}

static int run(int argc, char **argv, struct error *err)
{
	if (argc < 2)
		return WRONG_USAGE(err, "%s needs a command", argv[0]);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_with_settings(commands[i].run, argc - 1, argv + 1, err);
	return WRONG_USAGE(err, "there is no command \"%s\"", argv[1]);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("ingress-evidence " VERSION) == EOF ? EXIT_FAILED : EXIT_OK;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) == EOF ? EXIT_FAILED : EXIT_OK;
	log_setup_from_environment("ingress-evidence");
	if (run(argc, argv, &err) == 0)
		return EXIT_OK;
	log_error("%s", err.text);
	return (int)err.code;
}
