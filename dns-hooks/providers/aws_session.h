/* Credentials that AWS hands out for a while, in the three forms in which it does; pure. */
#ifndef DNS_HOOKS_PROVIDERS_AWS_SESSION_H
#define DNS_HOOKS_PROVIDERS_AWS_SESSION_H

#include "common/error.h"
#include "dns-hooks/providers/aws_sign.h"
#include "dns-hooks/web/xml.h"

#include <stddef.h>
#include <time.h>

struct aws_session {
	char *id, *secret, *token; /* owned; token is NULL for keys that are no session's */
	time_t expires;		   /* 0: never */
};

/* Wipes it as well. */
void aws_session_free(struct aws_session *session);
struct aws_keys aws_session_keys(const struct aws_session *session);

/*
 * What a container's credential endpoint and the instance metadata service answer: a JSON
 * object with AccessKeyId, SecretAccessKey, Token and Expiration; the latter adds a Code,
 * "Success" unless the role cannot be had.  Both describe failures with "code" and "message",
 * in either case.  -1 with err; nothing secret is in it.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
 */
int aws_session_from_json(const char *text, size_t length, struct aws_session *session,
			  struct error *err);

/* What STS answers to AssumeRole, or to AssumeRoleWithWebIdentity.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
int aws_session_from_sts(const struct xml *xml, struct aws_session *session, struct error *err);

#endif
