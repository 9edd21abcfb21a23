/*
 * What Linode's answers mean, and the bodies that it wants; pure, so that every odd one can be
 * tried without a server (https://techdocs.akamai.com/linode-api/reference/post-domain-record).
 */
#ifndef DNS_HOOKS_PROVIDERS_LINODE_ANSWER_H
#define DNS_HOOKS_PROVIDERS_LINODE_ANSWER_H

#include "common/error.h"
#include "common/json.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	/* Of a record whose ttl_sec is 0, where its domain sets none either. */
	LINODE_DEFAULT_TTL = 86400,
};

/* One HTTP answer: what came, and once judged what it says. */
struct linode_answer {
	long status;
	unsigned retry_after;
	cJSON *json; /* whole body, owned; NULL unless it is an object */
	bool busy;   /* "Linode busy.": nothing was done, and it may work in a moment */
	bool gone;   /* the API's own word that there is no such record */
};

void linode_answer_free(struct linode_answer *answer);

/*
 * Parses the body into `answer` (whose status and retry_after are set).  0 when the API says
 * success; -1 with a sentence otherwise: `call` ("POST /domains/1/records"), status, and the
 * API's own words.
 */
int linode_judge(struct linode_answer *answer, const char *call, const char *body, size_t length,
		 struct error *err);

/* How far a listing has come; begins as {0}. */
struct linode_listing {
	long long page;	   /* the last one taken */
	long long pages;   /* what the first page announced ... */
	long long results; /* ... of entries altogether */
	long long *ids;	   /* of the entries so far; owned */
	size_t count;
	size_t capacity;
};

void linode_listing_free(struct linode_listing *listing);

/*
 * Takes the next page: its "data" array, to be read by the caller, or NULL with err when the
 * page does not fit the ones before, has an entry that an earlier one had, or is the last while
 * entries are missing: a page that was lost would look like fewer records.  More pages follow
 * while `page` is below `pages`.
 */
const cJSON *linode_next_page(struct linode_listing *listing, const cJSON *json, const char *call,
			      struct error *err);

/* Reads one record of the domain `zone`.  Types that are not ours become RECORD_OTHER. */
int linode_record(const cJSON *item, const char *zone, struct record *record, struct error *err);

/* The body that makes `record`, which lies within the domain `zone`, or changes one to it;
 * cJSON_Delete() by the caller.  NULL with err, also for a CAA record with flags: the API has
 * none. */
cJSON *linode_body(const struct record *record, const char *zone, bool is_new, struct error *err);

#endif
