#include "supervisor/verify/caa.h"

#include "common/file.h"
#include "common/json.h"
#include "common/program_paths.h"
#include "common/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { ANSWER_MAX = 64 * 1024, DEADLINE_MS = 20000, VARIABLE_MAX = 1024 };

/* ---- the program */

/* Writes NAME=VALUE from our own environment; false when the variable is not set. */
static bool inherit(const char *name, char variable[VARIABLE_MAX])
{
	const char *value = getenv(name);

	if (value == NULL)
		return false;
	int length = snprintf(variable, VARIABLE_MAX, "%s=%s", name, value);
	return length > 0 && length < VARIABLE_MAX;
}

static int run(const char *program, const char *name, const char *account, struct buffer *answer,
	       struct error *err)
{
	char resolvers[VARIABLE_MAX], port[VARIABLE_MAX], how[64];
	const char *variables[3] = {NULL};
	const char *const argv[] = {program, "caa", name, "--account", account, NULL};
	struct spawn spawn = SPAWN_INIT;
	size_t count = 0;
	int status = 0;

	if (inherit("DNS_RESOLVERS", resolvers))
		variables[count++] = resolvers;
	if (inherit("DNS_PORT", port))
		variables[count] = port;
	spawn.argv = argv;
	spawn.envp = variables;
	if (spawn_run(&spawn, DEADLINE_MS, answer, &status, err) != 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	spawn_describe_status(status, how, sizeof(how));
	return error_set(err, EXIT_FAILED, "%s caa %s %s", program, name, how);
}

/* ---- its answer */

static void judge_answer(const char *name, const struct buffer *text, struct findings *findings)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *answer =
	    json_parse(buffer_text(text), text->length, "ingress-dns's answer", &err);
	const char *binding = json_string(answer, "binding");
	const char *detail = json_string(answer, "detail"), *at = json_string(answer, "at");

	if (binding == NULL || detail == NULL || at == NULL)
		findings_skip(findings, CHECK_CAA, "ingress-dns gave no answer: %s", err.text);
	else if (strcmp(binding, "account") == 0)
		findings_pass(findings, CHECK_CAA, "%s, by the CAA records of %s", name, at);
	else if (strcmp(binding, "open") == 0)
		findings_fail(findings, CHECK_CAA, "%s: %s", name, detail);
	else if (strcmp(binding, "absent") == 0)
		findings_skip(findings, CHECK_CAA,
			      "%s has no CAA records: every CA may give out certificates for it",
			      name);
	else
		findings_skip(findings, CHECK_CAA, "%s: DNS could not be asked: %s", name, detail);
}

static void judge_name(const char *program, const char *name, const char *account,
		       struct findings *findings)
{
	struct error err = ERROR_INIT;
	struct buffer answer;

	buffer_init(&answer, ANSWER_MAX);
	if (run(program, name, account, &answer, &err) == 0)
		judge_answer(name, &answer, findings);
	else
		findings_skip(findings, CHECK_CAA, "%s: DNS could not be asked: %s", name,
			      err.text);
	buffer_free(&answer);
}

/* ---- what it is asked */

static bool has_passed(const struct findings *findings, enum check check)
{
	return findings->list[check].outcome == OUTCOME_PASSED;
}

/* The wildcard whose certificate the evidence has for the host; false if it has the host's own. */
static bool find_wildcard(const struct material *material, domain_name wildcard)
{
	const char *file = NULL, *parent = strchr(material->host, '.');

	if (parent == NULL || material_certificate(material, material->host, &file) == NULL ||
	    strncmp(file, "cert-*.", strlen("cert-*.")) != 0)
		return false;
	snprintf(wildcard, sizeof(domain_name), "*%.*s", DOMAIN_MAX, parent);
	return true;
}

static void judge_names(const struct material *material, const char *account,
			struct findings *findings)
{
	struct program_paths programs;
	struct error err = ERROR_INIT;
	domain_name wildcard;

	if (program_paths_find(&programs, &err) != 0) {
		findings_skip(findings, CHECK_CAA, "DNS could not be asked: %s", err.text);
		return;
	}
	judge_name(programs.dns, material->host, account, findings);
	if (has_passed(findings, CHECK_CAA) && find_wildcard(material, wildcard))
		judge_name(programs.dns, wildcard, account, findings);
	program_paths_clear(&programs);
}

void caa_judge(const struct material *material, struct findings *findings)
{
	const struct buffer *file = material_find(material, "acme-account.json");
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json =
	    file == NULL ? NULL
			 : json_parse(buffer_text(file), file->length, "acme-account.json", &err);
	const char *account = json_string(json, "uri");

	if (account == NULL)
		findings_skip(findings, CHECK_CAA, "the evidence names no ACME account");
	else if (!has_passed(findings, CHECK_CHECKSUMS) || !has_passed(findings, CHECK_REPORT_DATA))
		findings_skip(findings, CHECK_CAA,
			      "the ACME account in the evidence cannot be believed");
	else
		judge_names(material, account, findings);
}
