/* Times as text: RFC 3339 in UTC, to the second, "2026-11-29T10:00:00Z". */
#ifndef COMMON_UTC_H
#define COMMON_UTC_H

#include <time.h>

enum { UTC_SIZE = 32 };

void utc_write(time_t time, char text[UTC_SIZE]);
/* -1 for any other form. */
int utc_read(const char *text, time_t *time);
/* The three forms of HTTP (RFC 9110, section 5.6.7); -1 for any other. */
int utc_read_http(const char *text, time_t *time);

#endif
