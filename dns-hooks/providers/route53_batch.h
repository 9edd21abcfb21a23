/* From changes of records to one ChangeBatch of record sets; pure. */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_BATCH_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_BATCH_H

#include "common/buffer.h"
#include "common/error.h"
#include "dns-hooks/providers/route53_answer.h"
#include "dns-hooks/records/change.h"

/* Of a request: two times the 32,000 characters that values may have, escaped for XML. */
enum { ROUTE53_BODY_MAX = 1024 * 1024 };

/*
 * Appends the body of ChangeResourceRecordSets (a batch is done as a whole or not at all) that
 * makes `changes` at `name`, where `present` stands.  A set is replaced by DELETE of exactly
 * what was read and CREATE of what shall be: if somebody else changed it since, DELETE fails
 * and with it the batch.  UPSERT would cost the same and overwrite what it does not know.
 * All DELETEs come first, since a CNAME cannot be made beside the address that it replaces.
 *
 * 1 when there is something to send, 0 when there is not; -1 with a sentence (EXIT_FAILED)
 * when a foreign set would have to be replaced, is of the type that is added, or is a CNAME.
 */
int route53_batch(const struct route53_sets *present, const char *name,
		  const struct change_list *changes, struct buffer *body, struct error *err);

#endif
