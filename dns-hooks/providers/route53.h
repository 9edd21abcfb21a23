/*
 * Amazon Route 53 (https://docs.aws.amazon.com/Route53/latest/APIReference/), commercial regions.
 *
 *   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...    see aws_credentials.h
 *   AWS_ROLE_ARN       the role to take on for it
 *   AWS_REGION         whose STS gives that role's keys; Route 53 itself has no regions
 *   ROUTE53_API_URL, STS_API_URL    for tests; scheme and host only
 *
 * A resource record set is read, merged and replaced as a whole, by a batch that fails if
 * somebody else changed the set meanwhile (route53_batch.h).  Sets with more than a TTL and
 * values (aliases, weights, ...) are somebody else's and never written.
 */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class route53_class;

#endif
