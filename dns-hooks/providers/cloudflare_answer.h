/* What Cloudflare's answers mean; pure, so that every odd one can be tried without a server. */
#ifndef DNS_HOOKS_PROVIDERS_CLOUDFLARE_ANSWER_H
#define DNS_HOOKS_PROVIDERS_CLOUDFLARE_ANSWER_H

#include "common/error.h"
#include "common/json.h"
#include "dns-hooks/providers/provider.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>
#include <stddef.h>

/* Codes of the "errors" array that are not failures for us, or need a second look. */
enum cloudflare_code {
	CLOUDFLARE_GONE = 81044,
	CLOUDFLARE_EXISTS = 81057,
	CLOUDFLARE_IDENTICAL = 81058,
};

/* One HTTP answer: what came, and once judged what it says. */
struct cloudflare_answer {
	long status;
	unsigned retry_after;
	cJSON *json;	/* whole body, owned; NULL unless it is an object */
	long long code; /* the first of "errors", 0 for none */
};

void cloudflare_answer_free(struct cloudflare_answer *answer);

/*
 * Parses the body into `answer` (whose status and retry_after are set).  0 when the API says
 * success; -1 with a sentence otherwise: `call` ("POST /zones/.../dns_records"), status, and
 * the API's own codes and words.
 */
int cloudflare_judge(struct cloudflare_answer *answer, const char *call, const char *body,
		     size_t length, struct error *err);

/* How far a listing has come. */
struct cloudflare_listing {
	long long total; /* what the first page announced; -1 before it */
	long long seen;
};

/*
 * Takes the next page: its "result" array, to be read by the caller, or NULL with err when the
 * page does not fit the ones before (a page that was lost would look like fewer records).
 * More pages follow while `seen` is below `total`.
 */
const cJSON *cloudflare_next_page(struct cloudflare_listing *listing, const cJSON *json,
				  const char *call, struct error *err);

/* Reads one element of a record listing.  Types that are not ours become RECORD_OTHER. */
int cloudflare_record(const cJSON *item, struct record *record, struct error *err);

/* The body that makes `record` (everything), or changes one to it (content only);
 * cJSON_Delete() by the caller.  NULL with err. */
cJSON *cloudflare_body(const struct record *record, bool is_new, struct error *err);

#endif
