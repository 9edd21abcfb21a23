/* What `ingressctl verify` is told. */
#ifndef SUPERVISOR_VERIFY_COMMAND_H
#define SUPERVISOR_VERIFY_COMMAND_H

#include "common/buffer.h"
#include "common/command_line.h"
#include "common/error.h"
#include "supervisor/verify/judge.h"

#include <stdbool.h>

/* Strings are those of argv. */
struct verify_command {
	const char *url, *dir, *quote, *save, *connect_to;
	const char *collateral, *pccs, *pccs_ca, *root, *compose, *require;
	const char *ct;
	const char *policy, *write_policy;
	bool json, has_tcb;
	struct judge_options judge;
	struct buffer collateral_text, ct_text;
};

/* Their places are those of struct verify_command. */
extern const struct command_option verify_options[];

/* Whether they go together; -1 with EXIT_USAGE_ERROR. */
int verify_check(const struct verify_command *command, struct error *err);

#endif
