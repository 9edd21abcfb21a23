/* `list`, `set-txt`, `del-txt`: looking at a provider's records, and helping out, by hand. */
#ifndef DNS_HOOKS_BY_HAND_H
#define DNS_HOOKS_BY_HAND_H

#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>

/* Prints the records at `name`, of one type ("TXT", "MX", ...) or all (NULL). */
int by_hand_list(const struct settings *settings, const char *name, const char *type,
		 struct error *err);

/* Adds one TXT value, or removes it; other values at the name stay. */
int by_hand_txt(const struct settings *settings, const char *name, const char *value, bool add,
		struct error *err);

#endif
