#include "supervisor/verify/command.h"

#include "common/utc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_pin(void *values, const struct command_option *option, char *text,
		    struct error *err)
{
	struct verify_command *c = values;
	char where[32];

	snprintf(where, sizeof(where), "--%s", option->name);
	return pin_set(&c->judge.pins, (enum pin)option->place, text, where, err);
}

static int take_time(void *values, const struct command_option *option, char *text,
		     struct error *err)
{
	struct verify_command *c = values;
	char *end;
	long long seconds = strtoll(text, &end, 10);

	(void)option;
	if (*text != '\0' && *end == '\0' && seconds >= 0) {
		c->judge.at = (time_t)seconds;
		return 0;
	}
	if (utc_read(text, &c->judge.at) != 0)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--at: \"%.60s\" is neither seconds since 1970 nor a time like "
				 "2026-11-29T10:00:00Z",
				 text);
	return 0;
}

static int take_tcb(void *values, const struct command_option *option, char *text,
		    struct error *err)
{
	struct verify_command *c = values;

	(void)option;
	c->has_tcb = true;
	c->judge.worst_tcb = tcb_status_from_name(text);
	if (c->judge.worst_tcb >= TCB_REVOKED)
		return error_set(
		    err, EXIT_USAGE_ERROR,
		    "--tcb: \"%.60s\" is none of UpToDate, SWHardeningNeeded, "
		    "ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, "
		    "OutOfDateConfigurationNeeded",
		    text);
	return 0;
}

#define TEXT(its_name, its_value, member, its_help)                                \
	{                                                                          \
		.name = its_name, .value = its_value,                              \
		.place = offsetof(struct verify_command, member), .help = its_help \
	}
#define PIN(its_name, its_pin, its_help)                                              \
	{                                                                             \
		.name = its_name, .value = "HEX", .place = its_pin, .take = take_pin, \
		.help = its_help                                                      \
	}

const struct command_option verify_options[] = {
    TEXT("dir", "DIR", dir, "judge what --save wrote, instead of a site"),
    TEXT("quote", "FILE", quote, "judge a TDX quote alone"),
    TEXT("platform", "KIND", judge.platform,
	 "the machine is of that kind, and no TDX guest: its attestation,\n"
	 "which cannot be judged here, does not count as failed"),
    TEXT("save", "DIR", save, "keep what the site answered"),
    PIN("app-id", PIN_APP_ID, "the app that you expect"),
    PIN("compose-hash", PIN_COMPOSE_HASH, "the SHA-256 of its app-compose.json"),
    TEXT("compose", "FILE", compose, "the same, of this app-compose.json"),
    PIN("os-image-hash", PIN_OS_IMAGE_HASH, "the image of its system"),
    PIN("mrtd", PIN_MRTD, "the measurement of the firmware"),
    PIN("rtmr0", PIN_RTMR0, "that of the virtual hardware"),
    PIN("rtmr1", PIN_RTMR1, "that of the kernel"),
    PIN("rtmr2", PIN_RTMR2, "that of its command line and initrd"),
    TEXT("policy", "FILE", policy, "all that, in a file"),
    TEXT("write-policy", "FILE", write_policy, "makes such a file of what was seen"),
    TEXT("collateral", "FILE", collateral, "Intel's word on what is up to date, as JSON"),
    TEXT("pccs", "URL", pccs,
	 "the same, asked there\n(https://api.trustedservices.intel.com, a PCCS)"),
    TEXT("pccs-ca", "FILE", pccs_ca, "trust for that server instead of the system's (PEM)"),
    TEXT("ct", "FILE", ct, "a CT log's list of certificates (crt.sh, output=json)"),
    {.name = "tcb",
     .value = "STATUS",
     .take = take_tcb,
     .help = "the worst TCB status that is accepted (UpToDate)"},
    TEXT("require", "LIST", require, "checks that may not be left out: all, or names with commas"),
    {.name = "at",
     .value = "TIME",
     .take = take_time,
     .help = "judge as of this time: seconds since 1970, or\n2026-11-29T10:00:00Z"},
    TEXT("ca", "FILE", judge.ca_file,
	 "trust for the site's certificate instead of the system's (PEM)"),
    TEXT("root", "FILE", root, "trust for the quote instead of Intel's root (PEM; for tests)"),
    TEXT("connect-to", "ADDRESS:PORT", connect_to, "dial this instead of HOST"),
    {.name = "json",
     .place = offsetof(struct verify_command, json),
     .help = "the result for programs"},
    {.name = NULL},
};

int verify_check(const struct verify_command *c, struct error *err)
{
	if ((c->url != NULL) + (c->dir != NULL) + (c->quote != NULL) != 1)
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
