/* What is to be done at one name, and what every plan of a run goes by. */
#ifndef DNS_HOOKS_PLAN_PLAN_H
#define DNS_HOOKS_PLAN_PLAN_H

#include "common/buffer.h"
#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/change.h"

#include <stdbool.h>

enum { TXT_VALUE_MAX = 160 };

/* What is the same for every name of a run. */
struct plan_rules {
	bool cname_beside_others; /* of the provider, as are the next two */
	const char *caa_separator;
	unsigned record_ttl;
	const char *gateway;
	char txt_value[TXT_VALUE_MAX]; /* APP_ID:PORT */
	struct caa_identities ca;
	const char *account_uri;
};

struct plan {
	struct change_list changes;
	struct buffer notes;	/* what is worth knowing about the changes; lines */
	struct buffer warnings; /* what nobody but the operator can put right; lines */
};

void plan_init(struct plan *plan);
void plan_free(struct plan *plan);

#endif
