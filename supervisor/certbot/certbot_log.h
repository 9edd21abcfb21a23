/* What certbot's debug log of one run tells of the CA: every request and answer is in it, as text
 * for people, so what is taken from it is taken with care and checked. */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_LOG_H
#define SUPERVISOR_CERTBOT_CERTBOT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * The latest problem document of the CA (RFC 7807; RFC 8555 section 6.7), as "the CA says KIND:
 * DETAIL" with the detail decoded and on one line.  false: there is none.
 */
bool certbot_log_problem(const char *log, char *sentence, size_t size);

/* Whether the CA said that it does not know the account, or does not any more. */
bool certbot_log_account_is_unknown(const char *log);

/*
 * Seconds that the CA wants to be left alone from `now` on: Retry-After (RFC 9110 section 10.2.3,
 * seconds or a date) beside a 429 or 503 after which nothing went well.  0: it said nothing.  At
 * most CERTBOT_RETRY_AFTER_MAX.
 */
unsigned certbot_log_retry_after(const char *log, time_t now);
enum { CERTBOT_RETRY_AFTER_MAX = 7 * 86400 };

/* Whether a new order (RFC 8555 section 7.4) was asked of the CA. */
bool certbot_log_has_order(const char *log);

/* When the CA answered last, by its own clock (the Date header); 0: it did not say. */
time_t certbot_log_ca_time(const char *log);

#endif
