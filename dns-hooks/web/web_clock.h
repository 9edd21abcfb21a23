/* The clock of this machine against that of a provider's API, as its answers tell it; pure. */
#ifndef DNS_HOOKS_WEB_WEB_CLOCK_H
#define DNS_HOOKS_WEB_WEB_CLOCK_H

#include <stdbool.h>
#include <time.h>

enum { WEB_CLOCK_TEXT_MAX = 384 };

/*
 * Whether the two differ by more than five minutes, which is what signatures allow for.  `text` is
 * then a sentence about it.  `date` is the answer's, 0 for none; `host` is whose it is.
 */
bool web_clock_differs(time_t now, time_t date, const char *host, char text[WEB_CLOCK_TEXT_MAX]);

#endif
