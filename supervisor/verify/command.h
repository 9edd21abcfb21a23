/* The command line of `ingressctl verify`. */
#ifndef SUPERVISOR_VERIFY_COMMAND_H
#define SUPERVISOR_VERIFY_COMMAND_H

#include "common/buffer.h"
#include "common/error.h"
#include "supervisor/verify/judge.h"

#include <stdbool.h>

extern const char verify_usage[];

/* Strings are those of argv. */
struct verify_command {
	const char *url, *dir, *quote, *save, *connect_to;
	const char *collateral, *pccs, *pccs_ca, *root, *compose, *require;
	const char *ct;
	const char *policy, *write_policy;
	bool json, help, has_tcb;
	struct judge_options judge;
	struct buffer collateral_text, ct_text;
};

/* Fills `command`, whose time and TCB status are set before.  -1 with EXIT_USAGE_ERROR. */
int command_parse(int argc, char **argv, struct verify_command *command, struct error *err);

#endif
