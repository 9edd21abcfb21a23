/*
 * ingress-dns: the only program that holds DNS credentials.  It makes the records that route a
 * domain to the app and say who may issue for it, and answers dns-01 challenges.
 */
#include "common/command_line.h"
#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/apply.h"
#include "dns-hooks/by_hand.h"
#include "dns-hooks/caa_command.h"
#include "dns-hooks/challenge.h"
#include "dns-hooks/leave_root.h"
#include "dns-hooks/look.h"
#include "dns-hooks/preflight.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES_MAX = 256 * 1024 };

extern char **environ;

/* What the options of all commands set. */
struct values {
	const struct settings *settings;
	unsigned kinds;
	const char *account_uri;
	const char *account;
	const char *results_fd;
	bool all;
};

/* ---- plan and apply */

static int take_kinds(void *values, const struct command_option *option, char *list,
		      struct error *err)
{
	struct values *v = values;
	static const struct {
		const char *name;
		unsigned kind;
	} known[] = {{"alias", KIND_ALIAS}, {"txt", KIND_TXT}, {"caa", KIND_CAA}};

	(void)option;
	v->kinds = 0;
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
		v->kinds |= known[i].kind;
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

/* Those that are meant by the arguments; malloc()ed. */
static const char **find_domains(const struct settings *settings, char **arguments, size_t count,
				 struct error *err)
{
	const char **domains = calloc(count + 1, sizeof(*domains));

	if (domains == NULL)
		error_no_memory(err);
	for (size_t i = 0; i < count && domains != NULL; i++) {
		domains[i] = find_domain(settings, arguments[i], err);
		if (domains[i] == NULL) {
			free(domains);
			return NULL;
		}
	}
	return domains;
}

/* 0: none is given. */
static int read_results_fd(const struct values *v, int *fd, struct error *err)
{
	long number = 0;

	if (v->results_fd != NULL &&
	    option_number("--results-fd", v->results_fd, 3, INT_MAX, &number, err) != 0)
		return -1;
	*fd = (int)number;
	return 0;
}

static int plan_or_apply(const struct values *v, char **arguments, size_t count, bool dry_run,
			 struct error *err)
{
	AUTO_FREE const char **domains = find_domains(v->settings, arguments, count, err);
	int results_fd = 0;

	if (domains == NULL || read_results_fd(v, &results_fd, err) != 0)
		return -1;
	const struct apply_request request = {dry_run, v->kinds, v->account_uri,
					      domains, count,	 results_fd};
	return apply_run(v->settings, &request, err);
}

static int run_plan(void *values, char **arguments, size_t count, struct error *err)
{
	return plan_or_apply(values, arguments, count, true, err);
}

static int run_apply(void *values, char **arguments, size_t count, struct error *err)
{
	return plan_or_apply(values, arguments, count, false, err);
}

static int run_look(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;
	int results_fd = 0;

	(void)arguments;
	(void)count;
	if (read_results_fd(v, &results_fd, err) != 0)
		return -1;
	return look_run(v->settings, STDIN_FILENO, results_fd == 0 ? STDOUT_FILENO : results_fd,
			err);
}

static int run_preflight(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;
	AUTO_FREE const char **domains = find_domains(v->settings, arguments, count, err);
	int results_fd = 0;

	if (domains == NULL || read_results_fd(v, &results_fd, err) != 0)
		return -1;
	const struct preflight_request request = {v->account_uri, domains, count, results_fd};
	return preflight_run(v->settings, &request, err);
}

/* ---- by hand */

static int run_list(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	return by_hand_list(v->settings, arguments[0], count == 2 ? arguments[1] : NULL, err);
}

static int run_set_txt(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	(void)count;
	return by_hand_txt(v->settings, arguments[0], arguments[1], true, err);
}

static int run_del_txt(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	(void)count;
	return by_hand_txt(v->settings, arguments[0], arguments[1], false, err);
}

static int run_caa(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	(void)count;
	return caa_command(arguments[0], v->account, err);
}

/* ---- hooks */

static int run_auth(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	(void)arguments;
	(void)count;
	return challenge_auth(v->settings, err);
}

static int run_cleanup(void *values, char **arguments, size_t count, struct error *err)
{
	const struct values *v = values;

	if (v->all && count > 0)
		return error_set(err, EXIT_USAGE_ERROR, "cleanup takes names or --all");
	if (v->all)
		return challenge_cleanup_all(v->settings, err);
	if (count == 0)
		return challenge_cleanup(v->settings, err);
	return challenge_cleanup_names(v->settings, (const char *const *)arguments, count, err);
}

/* ---- main */

#define PLACE(member) .place = offsetof(struct values, member)
#define ACCOUNT_URI                                                                  \
	{                                                                            \
		.name = "account-uri", .value = "URI",                               \
		.help = "the ACME account that CAA records name", PLACE(account_uri) \
	}

#define ONLY                                                                      \
	{                                                                         \
		.name = "only", .value = "KINDS",                                 \
		.help = "of alias,txt,caa (default: all; caa only with SET_CAA)", \
		.take = take_kinds                                                \
	}

static const struct command_option plan_options[] = {ONLY, ACCOUNT_URI, {.name = NULL}};

static const struct command_option apply_options[] = {
    ONLY,
    ACCOUNT_URI,
    {.name = "results-fd",
     .value = "FD",
     .help = "the domains one by one, and a line of JSON for each of them there",
     PLACE(results_fd)},
    {.name = NULL},
};

static const struct command_option look_options[] = {
    {.name = "results-fd", .value = "FD", .help = "the lines go there", PLACE(results_fd)},
    {.name = NULL},
};

static const struct command_option preflight_options[] = {
    ACCOUNT_URI,
    {.name = "results-fd",
     .value = "FD",
     .help = "a line of JSON for each domain there",
     PLACE(results_fd)},
    {.name = NULL},
};

static const struct command_option caa_options[] = {
    {.name = "account", .value = "URI", .help = "that account, not any", PLACE(account)},
    {.name = NULL},
};

static const struct command_option cleanup_options[] = {
    {.name = "all", .help = "every value that a crash left behind", PLACE(all)},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "plan",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "show what apply would do",
     .options = plan_options,
     .run = run_plan},
    {.name = "apply",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "make the records of the domains (all configured ones by default)",
     .options = apply_options,
     .run = run_apply},
    {.name = "look",
     .arguments = "",
     .help = "reads records as JSON from standard input, and prints a line of\n"
	     "JSON for each domain: which of its records DNS does not show",
     .options = look_options,
     .run = run_look},
    {.name = "preflight",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "whether orders for certificates can succeed",
     .options = preflight_options,
     .run = run_preflight},
    {.name = "list",
     .arguments = "NAME [TYPE]",
     .least = 1,
     .most = 2,
     .help = "by hand: show the records at a name",
     .run = run_list},
    {.name = "set-txt",
     .arguments = "NAME VALUE",
     .least = 2,
     .most = 2,
     .help = "by hand: add one TXT value; others at the name stay",
     .options_first = true,
     .run = run_set_txt},
    {.name = "del-txt",
     .arguments = "NAME VALUE",
     .least = 2,
     .most = 2,
     .help = "by hand: remove one TXT value",
     .options_first = true,
     .run = run_del_txt},
    {.name = "caa",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .help = "whether CAA records keep certificates for the name to one ACME\n"
	     "account, as JSON (needs no settings)",
     .options = caa_options,
     .run = run_caa},
    {.name = "auth",
     .arguments = "",
     .help = "certbot's hook (CERTBOT_DOMAIN and CERTBOT_VALIDATION in the\n"
	     "environment): add the challenge value, wait until all servers\n"
	     "have it",
     .run = run_auth},
    {.name = "cleanup",
     .arguments = "[DOMAIN]...",
     .most = ARGUMENTS_ANY,
     .help = "the other one: remove it; with names: what crashes left of theirs",
     .options = cleanup_options,
     .run = run_cleanup},
};

static struct settings *load_settings(struct error *err)
{
	struct buffer problems, warnings;

	buffer_init(&problems, MESSAGES_MAX);
	buffer_init(&warnings, MESSAGES_MAX);
	struct settings *settings = settings_load_for(FOR_DNS, environ, &problems, &warnings, err);
	/* ingressd has logged the warnings when it started; here they would be repeated with
	 * every challenge. */
	if (settings == NULL)
		log_lines(LOG_WARN, buffer_text(&warnings));
	log_lines(LOG_ERROR, settings_other_problems(&problems));
	buffer_free(&problems);
	buffer_free(&warnings);
	return settings;
}

static int run_with_settings(const struct command *command, void *arg, char **arguments,
			     size_t count, struct error *err)
{
	struct values *v = arg;
	bool needs_none = command->run == run_caa;
	struct settings *settings = needs_none ? NULL : load_settings(err);
	int result = -1;

	if (settings != NULL || needs_none) {
		leave_root(settings);
		v->settings = settings;
		result = command->run(v, arguments, count, err);
	}
	settings_free(settings);
	if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		result = error_set(err, EXIT_FAILED, "cannot write to standard output");
	return result;
}

static const struct program program = {
    .name = "ingress-dns",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .around = run_with_settings,
    .notes = "Settings come from the environment, as those of ingressd.\n" EXIT_STATUS_NOTES,
};

int main(int argc, char **argv)
{
	struct values values = {.kinds = KIND_ALL};

	log_setup_from_environment("ingress-dns");
	/* Line by line also into a pipe: what is done is said when it is done. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	return command_line_run(&program, argc, argv, &values);
}
