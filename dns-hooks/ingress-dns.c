/*
 * ingress-dns: the only program that holds DNS credentials.  It makes the records that route a
 * domain to the app and say who may issue for it, and answers dns-01 challenges.
 */
#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/apply.h"
#include "dns-hooks/by_hand.h"
#include "dns-hooks/caa_command.h"
#include "dns-hooks/challenge.h"
#include "dns-hooks/leave_root.h"
#include "dns-hooks/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES_MAX = 256 * 1024 };

extern char **environ;

static const char USAGE[] =
    "usage: ingress-dns COMMAND ...\n"
    "\n"
    "Records of the configured domains:\n"
    "  plan  [OPTIONS] [DOMAIN...]    show what apply would do\n"
    "  apply [OPTIONS] [DOMAIN...]    make the records (all configured domains by default)\n"
    "      --only KINDS               of alias,txt,caa (default: all; caa only with SET_CAA)\n"
    "      --account-uri URI          the ACME account that CAA records name\n"
    "  preflight [--account-uri URI] [DOMAIN...]\n"
    "                                 whether orders for certificates can succeed\n"
    "\n"
    "By hand:\n"
    "  list NAME [TYPE]               show the records at a name\n"
    "  set-txt NAME VALUE             add one TXT value; others at the name stay\n"
    "  del-txt NAME VALUE             remove one TXT value\n"
    "  caa NAME [--account URI]       whether CAA records keep certificates for the name to one\n"
    "                                 ACME account, as JSON (needs no settings)\n"
    "\n"
    "Hooks for certbot (CERTBOT_DOMAIN and CERTBOT_VALIDATION in the environment):\n"
    "  auth                           add the challenge value, wait until all servers have it\n"
    "  cleanup                        remove it\n"
    "  cleanup --all                  remove every challenge value that a crash left behind\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Settings come from the environment, as those of ingressd.\n"
    "Exit status: 0 done, 1 a record could not be made, 64 usage, 69 the provider cannot be\n"
    "reached, 75 try again later, 78 wrong settings or credentials.\n";

struct arguments {
	char **items;
	int count;
};

static int usage_error(struct error *err, const char *what)
{
	return error_set(err, EXIT_USAGE_ERROR, "%s; `ingress-dns --help` shows what there is",
			 what);
}

/* ---- plan and apply */

static int read_kinds(const char *list, unsigned *kinds, struct error *err)
{
	static const struct {
		const char *name;
		unsigned kind;
	} known[] = {{"alias", KIND_ALIAS}, {"txt", KIND_TXT}, {"caa", KIND_CAA}};

	*kinds = 0;
	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ","), i = 0;
		while (i < 3 &&
		       (strlen(known[i].name) != length || strncmp(known[i].name, at, length) != 0))
			i++;
		if (i == 3)
			return error_set(err, EXIT_USAGE_ERROR,
					 "--only is \"%.60s\": must be some of alias,txt,caa with "
					 "commas between",
					 list);
		*kinds |= known[i].kind;
		at += length;
		if (*at == '\0')
			return 0;
	}
}

/* The configured domain that is meant by an argument, in the form of the settings. */
static const char *find_domain(const struct settings *settings, const char *text, struct error *err)
{
	for (size_t i = 0; i < settings->domain_count; i++)
		if (domain_is_meant(settings->domains[i], text))
			return settings->domains[i];
	error_set(err, EXIT_USAGE_ERROR,
		  "\"%.100s\" is not one of the configured domains (DOMAIN, DOMAINS)", text);
	return NULL;
}

/* What the commands about configured domains take.  `domains` has room for every argument. */
struct domain_arguments {
	unsigned kinds;
	bool has_kinds;
	const char *account_uri;
	const char **domains;
	size_t domain_count;
};

static int read_domain_arguments(const struct settings *settings, const struct arguments *arguments,
				 struct domain_arguments *read, struct error *err)
{
	for (int i = 0; i < arguments->count; i++) {
		const char *text = arguments->items[i];
		bool is_only = strcmp(text, "--only") == 0;
		if (is_only || strcmp(text, "--account-uri") == 0) {
			if (++i == arguments->count)
				return usage_error(err, is_only ? "--only needs a value"
								: "--account-uri needs a value");
			if (!is_only)
				read->account_uri = arguments->items[i];
			else if (read_kinds(arguments->items[i], &read->kinds, err) != 0)
				return -1;
			read->has_kinds = read->has_kinds || is_only;
		} else if (text[0] == '-') {
			return error_set(
			    err, EXIT_USAGE_ERROR,
			    "unknown option \"%.60s\"; `ingress-dns --help` shows what "
			    "there is",
			    text);
		} else {
			const char *domain = find_domain(settings, text, err);
			if (domain == NULL)
				return -1;
			read->domains[read->domain_count++] = domain;
		}
	}
	return 0;
}

static int plan_or_apply(const struct settings *settings, const struct arguments *arguments,
			 bool dry_run, struct error *err)
{
	AUTO_FREE const char **domains = calloc((size_t)arguments->count + 1, sizeof(*domains));
	struct domain_arguments read = {.kinds = KIND_ALL, .domains = domains};

	if (domains == NULL)
		return error_no_memory(err);
	if (read_domain_arguments(settings, arguments, &read, err) != 0)
		return -1;
	const struct apply_request request = {dry_run, read.kinds, read.account_uri, domains,
					      read.domain_count};
	return apply_run(settings, &request, err);
}

static int run_preflight(const struct settings *settings, const struct arguments *arguments,
			 struct error *err)
{
	AUTO_FREE const char **domains = calloc((size_t)arguments->count + 1, sizeof(*domains));
	struct domain_arguments read = {.domains = domains};

	if (domains == NULL)
		return error_no_memory(err);
	if (read_domain_arguments(settings, arguments, &read, err) != 0)
		return -1;
	if (read.has_kinds)
		return usage_error(err, "preflight has no --only");
	const struct preflight_request request = {read.account_uri, domains, read.domain_count};
	return preflight_run(settings, &request, err);
}

static int run_plan(const struct settings *settings, const struct arguments *arguments,
		    struct error *err)
{
	return plan_or_apply(settings, arguments, true, err);
}

static int run_apply(const struct settings *settings, const struct arguments *arguments,
		     struct error *err)
{
	return plan_or_apply(settings, arguments, false, err);
}

/* ---- by hand */

static int run_list(const struct settings *settings, const struct arguments *arguments,
		    struct error *err)
{
	if (arguments->count < 1 || arguments->count > 2)
		return usage_error(err, "list takes NAME and, if wanted, TYPE");
	return by_hand_list(settings, arguments->items[0],
			    arguments->count == 2 ? arguments->items[1] : NULL, err);
}

static int run_set_txt(const struct settings *settings, const struct arguments *arguments,
		       struct error *err)
{
	if (arguments->count != 2)
		return usage_error(err, "set-txt takes NAME and VALUE");
	return by_hand_txt(settings, arguments->items[0], arguments->items[1], true, err);
}

static int run_del_txt(const struct settings *settings, const struct arguments *arguments,
		       struct error *err)
{
	if (arguments->count != 2)
		return usage_error(err, "del-txt takes NAME and VALUE");
	return by_hand_txt(settings, arguments->items[0], arguments->items[1], false, err);
}

static int run_caa(const struct settings *settings, const struct arguments *arguments,
		   struct error *err)
{
	bool has_account = arguments->count == 3 && strcmp(arguments->items[1], "--account") == 0;

	(void)settings;
	if (arguments->count != 1 && !has_account)
		return usage_error(err, "caa takes NAME and, if wanted, --account URI");
	return caa_command(arguments->items[0], has_account ? arguments->items[2] : NULL, err);
}

/* ---- hooks */

static int run_auth(const struct settings *settings, const struct arguments *arguments,
		    struct error *err)
{
	if (arguments->count != 0)
		return usage_error(err, "auth takes no arguments");
	return challenge_auth(settings, err);
}

static int run_cleanup(const struct settings *settings, const struct arguments *arguments,
		       struct error *err)
{
	if (arguments->count == 1 && strcmp(arguments->items[0], "--all") == 0)
		return challenge_cleanup_all(settings, err);
	if (arguments->count != 0)
		return usage_error(err, "cleanup takes --all or nothing");
	return challenge_cleanup(settings, err);
}

/* ---- main */

struct command {
	const char *name;
	int (*run)(const struct settings *settings, const struct arguments *arguments,
		   struct error *err);
	bool needs_no_settings; /* `settings` is NULL */
};

static const struct command commands[] = {
    {"plan", run_plan, false},	     {"apply", run_apply, false},	  {"list", run_list, false},
    {"set-txt", run_set_txt, false}, {"del-txt", run_del_txt, false},	  {"auth", run_auth, false},
    {"cleanup", run_cleanup, false}, {"preflight", run_preflight, false}, {"caa", run_caa, true},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void log_lines(const struct buffer *lines, void (*log)(const char *format, ...))
{
	const char *at = buffer_text(lines);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		log("%.*s", (int)length, at);
		at += length + (at[length] == '\n');
	}
}

static struct settings *load_settings(struct error *err)
{
	struct buffer problems, warnings;

	buffer_init(&problems, MESSAGES_MAX);
	buffer_init(&warnings, MESSAGES_MAX);
	struct settings *settings = settings_load_for(FOR_DNS, environ, &problems, &warnings, err);
	/* ingressd has logged the warnings when it started; here they would be repeated with
	 * every challenge. */
	if (settings == NULL)
		log_lines(&warnings, log_warn);
	log_lines(&problems, log_error);
	buffer_free(&problems);
	buffer_free(&warnings);
	return settings;
}

static int run(const struct command *command, const struct arguments *arguments, struct error *err)
{
	struct settings *settings = command->needs_no_settings ? NULL : load_settings(err);
	int result = -1;

	if (settings != NULL || command->needs_no_settings) {
		leave_root(settings);
		result = command->run(settings, arguments, err);
	}
	settings_free(settings);
	if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		result = error_set(err, EXIT_FAILED, "cannot write to standard output");
	return result;
}

/* certbot would keep to itself why the challenge failed: ingressd reads it from standard error,
 * while the log goes into its pipe. */
static void tell_supervisor(const struct error *err)
{
	if (getenv("INGRESS_LOG_PIPE") != NULL)
		fprintf(stderr, "%s\n", err->text);
}

static int print_and_exit(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	const struct arguments arguments = {argv + 2, argc - 2};

	log_setup_from_environment("ingress-dns");
	/* Line by line also into a pipe: what is done is said when it is done. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 2 && strcmp(argv[1], "--help") == 0)
		return print_and_exit(USAGE);
	if (argc >= 2 && strcmp(argv[1], "--version") == 0)
		return print_and_exit("ingress-dns " VERSION "\n");
	if (argc < 2) {
		fputs(USAGE, stderr);
		return EXIT_USAGE_ERROR;
	}
	const struct command *command = find_command(argv[1]);
	if (command == NULL) {
		log_error("unknown command \"%.60s\"; `ingress-dns --help` shows what there is",
			  argv[1]);
		return EXIT_USAGE_ERROR;
	}
	if (run(command, &arguments, &err) == 0)
		return EXIT_OK;
	log_error("%s%s", command->run == run_auth ? "challenge: " : "", err.text);
	if (command->run == run_auth)
		tell_supervisor(&err);
	return (int)err.code;
}
