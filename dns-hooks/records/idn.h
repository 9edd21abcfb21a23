/* Names in Unicode, as some APIs show them, in the form that DNS has (RFC 3492). */
#ifndef DNS_HOOKS_RECORDS_IDN_H
#define DNS_HOOKS_RECORDS_IDN_H

#include "common/domain.h"

/*
 * Lower case for ASCII, no trailing dot; each label with other characters becomes "xn--...".
 * These are taken as they are: whoever shows a registered name has brought it into its normal form
 * already.  -1 for what is too long or no UTF-8.
 */
int idn_to_ascii(const char *name, domain_name out);

#endif
