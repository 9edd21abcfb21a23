#include "supervisor/verify/command.h"

#include "common/utc.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verify_usage[] =
    "usage: ingressctl verify https://HOST[:PORT] [--save DIR]    what answers there\n"
    "       ingressctl verify --dir DIR                           what --save wrote\n"
    "       ingressctl verify --quote FILE                        a TDX quote alone\n"
    "\n"
    "  --app-id HEX, --compose-hash HEX, --compose FILE, --os-image-hash HEX\n"
    "  --mrtd HEX, --rtmr0 HEX, --rtmr1 HEX, --rtmr2 HEX    what you expect\n"
    "  --policy FILE        all that, in a file; --write-policy FILE makes one of what was seen\n"
    "  --collateral FILE    Intel's word on what is up to date, as JSON\n"
    "  --pccs URL           the same, asked there (https://api.trustedservices.intel.com, a PCCS)\n"
    "  --pccs-ca FILE       trust for that server instead of the system's (PEM)\n"
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

static int parse_time(const char *text, time_t *at, struct error *err)
{
	char *end;
	long long seconds = strtoll(text, &end, 10);

	if (*text != '\0' && *end == '\0' && seconds >= 0) {
		*at = (time_t)seconds;
		return 0;
	}
	if (utc_read(text, at) != 0)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--at: \"%.60s\" is neither seconds since 1970 nor a time like "
				 "2026-11-29T10:00:00Z",
				 text);
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
    {"dir", OPTION_TEXT, offsetof(struct verify_command, dir)},
    {"quote", OPTION_TEXT, offsetof(struct verify_command, quote)},
    {"save", OPTION_TEXT, offsetof(struct verify_command, save)},
    {"connect-to", OPTION_TEXT, offsetof(struct verify_command, connect_to)},
    {"collateral", OPTION_TEXT, offsetof(struct verify_command, collateral)},
    {"pccs", OPTION_TEXT, offsetof(struct verify_command, pccs)},
    {"pccs-ca", OPTION_TEXT, offsetof(struct verify_command, pccs_ca)},
    {"root", OPTION_TEXT, offsetof(struct verify_command, root)},
    {"compose", OPTION_TEXT, offsetof(struct verify_command, compose)},
    {"require", OPTION_TEXT, offsetof(struct verify_command, require)},
    {"ct", OPTION_TEXT, offsetof(struct verify_command, ct)},
    {"policy", OPTION_TEXT, offsetof(struct verify_command, policy)},
    {"write-policy", OPTION_TEXT, offsetof(struct verify_command, write_policy)},
    {"ca", OPTION_TEXT, offsetof(struct verify_command, judge.ca_file)},
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

static int take_option(struct verify_command *c, size_t index, struct error *err)
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

int command_parse(int argc, char **argv, struct verify_command *c, struct error *err)
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
	if (c->pccs != NULL && c->collateral != NULL)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--pccs and --collateral say the same: give one of them");
	if (c->pccs_ca != NULL && c->pccs == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--pccs-ca goes with --pccs");
	if (c->save != NULL && c->url == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "--save goes with https://HOST[:PORT]");
	return 0;
}
