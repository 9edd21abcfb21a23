/* Reading what certbot prints and logs when an order fails: text for people, so what is
 * taken from it is taken with care and checked. */
#ifndef SUPERVISOR_CERTBOT_ANSWER_H
#define SUPERVISOR_CERTBOT_ANSWER_H

#include "common/error.h"

#include <time.h>

/*
 * `tail` is certbot's last lines, `log` its debug log of the run ("" if unreadable).  Sets
 * err's text to the most telling sentence (the CA's own if there is one), its code to
 * EXIT_TRY_LATER when the CA said so or could not be reached, else EXIT_FAILED, and retry_after to
 * what the CA asked for: a Retry-After header beside a 429 or 503 status, or "retry after DATE UTC"
 * in the CA's words.
 */
void certbot_explain(const char *tail, const char *log, time_t now, struct error *err);

#endif
