/*
 * Where AWS's keys come from, the first of these that is there, as in AWS's own SDKs
 * (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html):
 *
 *   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   AWS_CONTAINER_CREDENTIALS_RELATIVE_URI   ECS: at http://169.254.170.2
 *   AWS_CONTAINER_CREDENTIALS_FULL_URI       EKS and others, with
 *       AWS_CONTAINER_AUTHORIZATION_TOKEN    or its _FILE
 *   the instance metadata service            EC2: version 2 only, unless
 *       AWS_EC2_METADATA_DISABLED            says not to
 *
 * and with AWS_ROLE_ARN the keys of that role, which STS gives for the ones above.  There are
 * no configuration files, and no web identities.
 */
#ifndef DNS_HOOKS_PROVIDERS_AWS_CREDENTIALS_H
#define DNS_HOOKS_PROVIDERS_AWS_CREDENTIALS_H

#include "common/error.h"
#include "dns-hooks/providers/aws_sign.h"

struct aws_credentials;

/* Reads the environment; no traffic.  NULL with err (EXIT_BAD_CONFIG when there can be none). */
struct aws_credentials *aws_credentials_new(struct error *err);
void aws_credentials_free(struct aws_credentials *credentials);

/*
 * Keys that are good now: fetched when they are first needed, and again when they are about to
 * expire.  They belong to `credentials` and are good until the next call.
 */
int aws_credentials_get(struct aws_credentials *credentials, struct aws_keys *keys,
			struct error *err);

#endif
