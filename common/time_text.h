/* Times as HAProxy's configuration has them ("Time format"): a number and a unit. */
#ifndef COMMON_TIME_TEXT_H
#define COMMON_TIME_TEXT_H

#include <stdint.h>

/* In microseconds, at most INT64_MAX; -1 for what is no whole number with one of the units us, ms,
 * s, m, h, d.  HAProxy would take a number without one as milliseconds, or as seconds: hardly ever
 * what was meant. */
int64_t time_text_us(const char *text);

#endif
