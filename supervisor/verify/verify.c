#include "supervisor/verify/verify.h"

#include "common/digest.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"
#include "supervisor/verify/fetch.h"
#include "supervisor/verify/judge.h"
#include "supervisor/verify/manifest.h"
#include "supervisor/verify/policy.h"

#include <ctype.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ingressctl verify https://HOST[:PORT] [--save DIR]    what answers there\n"
    "       ingressctl verify --dir DIR                           what --save wrote\n"
    "       ingressctl verify --quote FILE                        a TDX quote alone\n"
    "\n"
    "  --app-id HEX, --compose-hash HEX, --compose FILE, --os-image-hash HEX\n"
    "  --mrtd HEX, --rtmr0 HEX, --rtmr1 HEX, --rtmr2 HEX    what you expect\n"
    "  --policy FILE        all that, in a file; --write-policy FILE makes one of what was seen\n"
    "  --collateral FILE    Intel's word on what is up to date, as JSON\n"
    "  --ct FILE            a CT log's list of certificates (crt.sh, output=json)\n"
    "  --tcb STATUS         the worst TCB status that is accepted (UpToDate)\n"
    "  --require LIST       checks that may not be left out: all, or names with commas\n"
    "  --at TIME            judge as of this time: seconds since 1970, or 2026-11-29T10:00:00Z\n"
    "  --ca FILE            trust for the site's certificate instead of the system's (PEM)\n"
    "  --root FILE          trust for the quote instead of Intel's root (PEM; for tests)\n"
    "  --connect-to ADDRESS:PORT    dial this instead of HOST\n"
    "  --json               the result for programs\n"
    "\n"
    "Exit status: 0 nothing failed, 1 something did, 64 usage, 69 the site does not answer,\n"
    "75 try again later, 78 a file that an option names cannot be used.\n";

struct command {
	const char *url, *dir, *quote, *save, *connect_to;
	const char *collateral, *root, *compose, *require;
	const char *ct;
	const char *policy, *write_policy;
	bool json, help, has_tcb;
	struct judge_options judge;
	struct buffer collateral_text, ct_text;
};

/* ---- options */

static int parse_time(const char *text, time_t *at, struct error *err)
{
	struct tm tm = {0};
	char *end;
	long long seconds = strtoll(text, &end, 10);

	if (*text != '\0' && *end == '\0' && seconds >= 0) {
		*at = (time_t)seconds;
		return 0;
	}
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return error_set(err, EXIT_USAGE_ERROR,
				 "--at: \"%.60s\" is neither seconds since 1970 nor a time like "
				 "2026-11-29T10:00:00Z",
				 text);
	*at = timegm(&tm);
	return 0;
}

static int parse_tcb(const char *text, enum tcb_status *status, struct error *err)
{
	*status = tcb_status_from_name(text);
	if (*status >= TCB_REVOKED)
		return error_set(
		    err, EXIT_USAGE_ERROR,
		    "--tcb: \"%.60s\" is none of UpToDate, SWHardeningNeeded, "
		    "ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, "
		    "OutOfDateConfigurationNeeded",
		    text);
	return 0;
}

enum option_kind { OPTION_TEXT, OPTION_PIN, OPTION_TIME, OPTION_TCB, OPTION_JSON, OPTION_HELP };

/* What each option sets: a place in the command, or a pin. */
static const struct {
	const char *name;
	enum option_kind kind;
	size_t place;
} options[] = {
    {"app-id", OPTION_PIN, PIN_APP_ID},
    {"compose-hash", OPTION_PIN, PIN_COMPOSE_HASH},
    {"os-image-hash", OPTION_PIN, PIN_OS_IMAGE_HASH},
    {"mrtd", OPTION_PIN, PIN_MRTD},
    {"rtmr0", OPTION_PIN, PIN_RTMR0},
    {"rtmr1", OPTION_PIN, PIN_RTMR1},
    {"rtmr2", OPTION_PIN, PIN_RTMR2},
    {"dir", OPTION_TEXT, offsetof(struct command, dir)},
    {"quote", OPTION_TEXT, offsetof(struct command, quote)},
    {"save", OPTION_TEXT, offsetof(struct command, save)},
    {"connect-to", OPTION_TEXT, offsetof(struct command, connect_to)},
    {"collateral", OPTION_TEXT, offsetof(struct command, collateral)},
    {"root", OPTION_TEXT, offsetof(struct command, root)},
    {"compose", OPTION_TEXT, offsetof(struct command, compose)},
    {"require", OPTION_TEXT, offsetof(struct command, require)},
    {"ct", OPTION_TEXT, offsetof(struct command, ct)},
    {"policy", OPTION_TEXT, offsetof(struct command, policy)},
    {"write-policy", OPTION_TEXT, offsetof(struct command, write_policy)},
    {"ca", OPTION_TEXT, offsetof(struct command, judge.ca_file)},
    {"at", OPTION_TIME, 0},
    {"tcb", OPTION_TCB, 0},
    {"json", OPTION_JSON, 0},
    {"help", OPTION_HELP, 0},
};

enum { OPTION_COUNT = sizeof(options) / sizeof(*options) };

/* As getopt_long() takes them; its answer is the index in the table. */
static void list_options(struct option list[OPTION_COUNT + 1])
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		bool flag = options[i].kind == OPTION_JSON || options[i].kind == OPTION_HELP;
		list[i] = (struct option){
		    .name = options[i].name,
		    .has_arg = flag ? no_argument : required_argument,
		    .val = i,
		};
	}
	list[OPTION_COUNT] = (struct option){0};
}

static int take_option(struct command *c, size_t index, struct error *err)
{
	const char **place = (const char **)((char *)c + options[index].place);
	char where[32];

	switch (options[index].kind) {
	case OPTION_TEXT:
		*place = optarg;
		return 0;
	case OPTION_PIN:
		snprintf(where, sizeof(where), "--%s", options[index].name);
		return pin_set(&c->judge.pins, (enum pin)options[index].place, optarg, where, err);
	case OPTION_TIME:
		return parse_time(optarg, &c->judge.at, err);
	case OPTION_TCB:
		c->has_tcb = true;
		return parse_tcb(optarg, &c->judge.worst_tcb, err);
	case OPTION_JSON:
		c->json = true;
		return 0;
	default:
		c->help = true;
		return 0;
	}
}

static int parse(int argc, char **argv, struct command *c, struct error *err)
{
	struct option list[OPTION_COUNT + 1];
	int option;

	list_options(list);
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		if (option == ':')
			return error_set(err, EXIT_USAGE_ERROR, "%s needs a value",
					 argv[optind - 1]);
		if (option < 0 || option >= OPTION_COUNT)
			return error_set(err, EXIT_USAGE_ERROR, "verify has no option %s",
					 argv[optind - 1]);
		if (take_option(c, (size_t)option, err) != 0)
			return -1;
	}
	if (c->help)
		return 0;
	if (optind < argc)
		c->url = argv[optind++];
	if (optind < argc || (c->url != NULL) + (c->dir != NULL) + (c->quote != NULL) != 1)
		return error_set(err, EXIT_USAGE_ERROR,
				 "verify takes one of https://HOST[:PORT], --dir DIR and --quote "
				 "FILE");
	if (c->save != NULL && c->url == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--save goes with https://HOST[:PORT]");
	return 0;
}

/* ---- the files that options name */

static int read_option_file(const char *option, const char *path, struct buffer *text,
			    struct error *err)
{
	if (file_read(path, text, err) == 0)
		return 0;
	err->code = EXIT_BAD_CONFIG;
	return error_wrap(err, "--%s", option);
}

static int read_root(struct command *c, struct error *err)
{
	struct buffer pem;
	int rc;

	trust_anchor_intel(&c->judge.anchor);
	if (c->root == NULL)
		return 0;
	buffer_init(&pem, CHAIN_PEM_MAX);
	rc = read_option_file("root", c->root, &pem, err);
	if (rc == 0 &&
	    trust_anchor_from_pem(buffer_text(&pem), pem.length, &c->judge.anchor, err) != 0) {
		err->code = EXIT_BAD_CONFIG;
		rc = error_wrap(err, "--root %s", c->root);
	}
	buffer_free(&pem);
	return rc;
}

static int read_compose(struct command *c, struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	struct buffer text;

	if (c->compose == NULL)
		return 0;
	if (c->judge.pins.hex[PIN_COMPOSE_HASH][0] != '\0')
		return error_set(err, EXIT_USAGE_ERROR,
				 "--compose and --compose-hash say the same: give one of them");
	buffer_init(&text, MATERIAL_FILE_MAX);
	int rc = read_option_file("compose", c->compose, &text, err);
	if (rc == 0)
		rc = digest_sha256_hex(buffer_text(&text), text.length, digest, err);
	if (rc == 0)
		rc = pin_set(&c->judge.pins, PIN_COMPOSE_HASH, digest, "--compose", err);
	buffer_free(&text);
	return rc;
}

/* Behind all options: those come first. */
static int read_policy(struct command *c, struct findings *findings, struct error *err)
{
	struct buffer text;

	if (c->policy == NULL)
		return 0;
	buffer_init(&text, POLICY_MAX);
	int rc = read_option_file("policy", c->policy, &text, err);
	if (rc == 0 && policy_read(buffer_text(&text), text.length, &c->judge.pins,
				   &c->judge.worst_tcb, c->has_tcb, findings, err) != 0)
		rc = error_wrap(err, "--policy %s", c->policy);
	buffer_free(&text);
	return rc;
}

static int write_policy(const struct command *c, const struct attestation_result *result,
			const struct findings *findings, struct error *err)
{
	if (c->write_policy == NULL)
		return 0;
	if (!findings_good(findings))
		return error_set(err, EXIT_FAILED,
				 "no policy is written: it would accept what was refused");
	char *text = policy_write(result, err);
	if (text == NULL)
		return -1;
	int rc = file_write(c->write_policy, 0644, text, strlen(text), err);
	free(text);
	return rc;
}

static int read_files(struct command *c, struct findings *findings, struct error *err)
{
	if (read_root(c, err) != 0 || read_compose(c, err) != 0 ||
	    read_policy(c, findings, err) != 0)
		return -1;
	if (c->ct != NULL) {
		c->judge.ct_list = &c->ct_text;
		if (read_option_file("ct", c->ct, &c->ct_text, err) != 0)
			return -1;
	}
	if (c->collateral == NULL)
		return 0;
	c->judge.collateral = &c->collateral_text;
	return read_option_file("collateral", c->collateral, &c->collateral_text, err);
}

/* ---- material */

static int gather(struct command *c, struct material *material, struct error *err)
{
	if (c->dir != NULL)
		return material_load(material, c->dir, err);
	if (c->quote != NULL) {
		struct buffer *content = material_add(material, "quote.json", err);
		c->judge.bare_quote = true;
		return content == NULL ? -1 : read_option_file("quote", c->quote, content, err);
	}
	if (fetch_evidence(c->url, c->connect_to, material, err) != 0)
		return -1;
	return c->save == NULL ? 0 : material_save(material, c->save, err);
}

/* ---- the answer */

static bool add_details(cJSON *json, const struct attestation_result *result)
{
	const struct app_identity *id = &result->identity;
	const struct attestation_measurements *m = &result->measurements;
	cJSON *details = cJSON_AddObjectToObject(json, "details");
	cJSON *app = cJSON_AddObjectToObject(details, "app_info");
	bool made = cJSON_AddBoolToObject(details, "quote_verified",
					  result->findings[ATTESTATION_QUOTE_SIGNATURE].outcome ==
					      ATTESTATION_PASSED) != NULL &&
		    cJSON_AddBoolToObject(details, "event_log_verified",
					  result->findings[ATTESTATION_EVENT_LOG].outcome ==
					      ATTESTATION_PASSED) != NULL &&
		    cJSON_AddStringToObject(details, "report_data", m->report_data) != NULL &&
		    cJSON_AddStringToObject(app, "app_id", id->app_id) != NULL &&
		    cJSON_AddStringToObject(app, "compose_hash", id->compose_hash) != NULL &&
		    cJSON_AddStringToObject(app, "instance_id", id->instance_id) != NULL &&
		    cJSON_AddStringToObject(app, "os_image_hash", id->os_image_hash) != NULL &&
		    cJSON_AddStringToObject(details, "mrtd", m->mrtd) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr0", m->rtmr[0]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr1", m->rtmr[1]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr2", m->rtmr[2]) != NULL &&
		    cJSON_AddStringToObject(details, "rtmr3", m->rtmr[3]) != NULL;

	if (!made || !result->has_tcb)
		return made;
	cJSON *advisories = cJSON_AddArrayToObject(details, "advisory_ids");
	for (size_t i = 0; i < result->tcb.advisory_count; i++)
		cJSON_AddItemToArray(advisories, cJSON_CreateString(result->tcb.advisories[i]));
	return cJSON_AddStringToObject(details, "tcb_status",
				       tcb_status_name(result->tcb.status)) != NULL;
}

static int print_json(const struct findings *findings, const struct attestation_result *result,
		      struct error *err)
{
	AUTO_JSON cJSON *json = findings_json(findings);
	char *text = NULL;

	if (json == NULL || !add_details(json, result))
		return error_no_memory(err);
	text = json_print(json, true, err);
	if (text == NULL)
		return -1;
	puts(text);
	free(text);
	return 0;
}

static int run(struct command *c, struct findings *findings, struct error *err)
{
	struct attestation_result result;
	struct material material;
	int rc;

	material_init(&material);
	rc = read_files(c, findings, err);
	if (rc == 0)
		rc = gather(c, &material, err);
	if (rc == 0)
		rc = judge(&c->judge, &material, findings, &result, err);
	if (rc == 0 && c->json)
		rc = print_json(findings, &result, err);
	else if (rc == 0)
		findings_print(findings, stdout);
	if (rc == 0)
		rc = write_policy(c, &result, findings, err);
	material_free(&material);
	return rc;
}

int verify_command(int argc, char **argv)
{
	struct command c = {.judge = {.at = time(NULL), .worst_tcb = TCB_UP_TO_DATE}};
	struct error err = ERROR_INIT;
	struct findings findings;

	findings_init(&findings);
	buffer_init(&c.collateral_text, COLLATERAL_MAX);
	buffer_init(&c.ct_text, CT_LIST_MAX);
	int rc = parse(argc, argv, &c, &err);
	if (rc == 0 && c.help)
		return fputs(usage, stdout) < 0;
	if (rc == 0 && c.require != NULL)
		rc = findings_require(&findings, c.require, &err);
	if (rc == 0)
		rc = run(&c, &findings, &err);
	buffer_free(&c.collateral_text);
	buffer_free(&c.ct_text);
	if (rc == 0)
		return findings_good(&findings) ? EXIT_OK : EXIT_FAILED;
	fprintf(stderr, "ingressctl: %s\n", err.text);
	if (err.code == EXIT_USAGE_ERROR)
		fputs("`ingressctl verify --help` tells what it takes.\n", stderr);
	return (int)err.code;
}
