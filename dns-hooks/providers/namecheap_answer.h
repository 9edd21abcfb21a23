/*
 * What Namecheap's answers mean; pure (bytes in, model out), so that every odd one can be tried
 * without a server.
 *
 *   https://www.namecheap.com/support/api/global-parameters/ and the pages of the commands
 */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_ANSWER_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_ANSWER_H

#include "common/error.h"
#include "dns-hooks/providers/namecheap_zone.h"
#include "dns-hooks/web/xml.h"

#include <stdbool.h>
#include <stddef.h>

/* Answers this instead of 429: more than 20 calls a minute, 700 an hour or 8000 a day. */
enum {
	NAMECHEAP_STATUS_RATE_LIMIT = 405,
	NAMECHEAP_TOO_MANY_REQUESTS = 500000, /* the same as a number */
	NAMECHEAP_RATE_LIMIT_S = 60,
};

/* One HTTP answer: what came, and once judged what it says. */
struct namecheap_answer {
	long status;
	unsigned retry_after;
	struct xml *xml;		    /* owned */
	const struct xml_element *response; /* CommandResponse; NULL unless it is a success */
	long number;			    /* of the first <Error>; 0 for none */
};

void namecheap_answer_free(struct namecheap_answer *answer);

/*
 * Reads the body into `answer` (whose status and retry_after are set).  0 when the API says
 * success; -1 with a sentence otherwise: the call ("domains.dns.getHosts of example.com"), status,
 * the API's own numbers and words, and what to do.  EXIT_BAD_CONFIG: key, user or address;
 * EXIT_TRY_LATER: the rate limit (err->retry_after); EXIT_UNREACHABLE: passing trouble at
 * Namecheap, or a body that is no answer; EXIT_FAILED: it said no.
 */
int namecheap_judge(struct namecheap_answer *answer, const char *call, const char *body,
		    size_t length, struct error *err);

/* Whether a failure says that the account has no such domain, or that it can be none. */
bool namecheap_knows_no_such_domain(const struct namecheap_answer *answer);
/* Whether it says that the domain is there, with name servers of somebody else. */
bool namecheap_serves_elsewhere(const struct namecheap_answer *answer);

/*
 * domains.dns.getHosts: the whole zone, or -1 (EXIT_UNREACHABLE) when any part of it is not
 * understood.  The caller frees `zone` in any case.
 */
int namecheap_read_zone(const struct namecheap_answer *answer, const char *zone_name,
			struct namecheap_zone *zone, struct error *err);

/* domains.dns.setHosts: 0 only when it says IsSuccess="true". */
int namecheap_read_written(const struct namecheap_answer *answer, const char *zone_name,
			   struct error *err);

/* domains.getInfo: how many hosts Namecheap counts. */
int namecheap_read_host_count(const struct namecheap_answer *answer, const char *zone_name,
			      long *count, struct error *err);

/* How far domains.getList has come. */
struct namecheap_listing {
	long total; /* what the first page announced; -1 before it */
	long seen;
	long page; /* the last one taken; 0 before the first */
};

/* Called for each domain of a page (lower case); -1 ends it. */
typedef int namecheap_take(const char *domain, void *user, struct error *err);

/* Takes the next page, which must fit the ones before.  More follow while `seen` is below
 * `total`. */
int namecheap_next_page(struct namecheap_listing *listing, const struct namecheap_answer *answer,
			namecheap_take *take, void *user, struct error *err);

#endif
