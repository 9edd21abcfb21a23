/* Domain names as text: lower case, without the trailing dot; what is odd in them with a backslash
 * (RFC 1035 section 5.1). */
#ifndef DNS_HOOKS_RECORDS_DNS_NAME_H
#define DNS_HOOKS_RECORDS_DNS_NAME_H

#include "common/domain.h"

#include <stdbool.h>

/* Lower-cases and drops the trailing dot; -1 when it does not fit. */
int dns_name_normal(const char *text, domain_name out);
/* Whether `name` is `zone` or lies below it ("" is the root). */
bool dns_name_within(const char *name, const char *zone);

#endif
