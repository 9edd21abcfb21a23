/*
 * The settings of a program that needs to know places only: EVIDENCE_DIR, RUN_DIR,
 * DSTACK_SOCKET and TAPPD_SOCKET (and how to log), judged as settings_load() judges them.
 * Whatever else is in the environment, or is missing from it, does not matter.
 */
#ifndef COMMON_SETTINGS_PLACES_H
#define COMMON_SETTINGS_PLACES_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/settings.h"

/* Settings of which only the members of these four mean something; settings_free() by the caller.
 * `problems` as settings_load() has it; NULL with err when there is any. */
struct settings *settings_load_places(char *const *environ_block, struct buffer *problems,
				      struct error *err);

#endif
