/* What stops nothing and ought to be set right: logged, and kept for the status. */
#ifndef DNS_HOOKS_RESOLVE_CAUTION_H
#define DNS_HOOKS_RESOLVE_CAUTION_H

#include "common/error.h"

/* Logs the sentence as a warning and puts it behind those that are in `note`, with EXIT_OK; NULL:
 * nobody collects them. */
void caution(struct error *note, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same without the log. */
void caution_keep(struct error *note, const char *text);

#endif
