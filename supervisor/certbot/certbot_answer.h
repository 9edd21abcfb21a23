/* Reading what certbot prints and logs when an order fails: text for people, so what is
 * taken from it is taken with care and checked. */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_ANSWER_H
#define SUPERVISOR_CERTBOT_CERTBOT_ANSWER_H

#include "common/error.h"

#include <time.h>

/* What a run left behind; each is "" where there is nothing. */
struct certbot_words {
	const char *tail; /* its last lines */
	const char *log;  /* its debug log, see certbot_log.h */
};

/*
 * Sets err's text to the most telling sentence (the CA's own words, else certbot's), its code to
 * EXIT_TRY_LATER when the CA said so or could not be reached, else EXIT_FAILED, and retry_after to
 * what the CA asked for: a Retry-After header beside a 429 or 503 status, or "retry after DATE UTC"
 * in the CA's words.  Leaves the text as it is where nothing of that tells more.
 */
void certbot_explain(const struct certbot_words *words, time_t now, struct error *err);

#endif
