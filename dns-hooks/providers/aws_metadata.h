/* Keys from where AWS lends them to what runs there: a container's endpoint, or the instance
 * metadata service.  Both are asked past any proxy, and given up soon. */
#ifndef DNS_HOOKS_PROVIDERS_AWS_METADATA_H
#define DNS_HOOKS_PROVIDERS_AWS_METADATA_H

#include "common/error.h"
#include "dns-hooks/providers/aws_session.h"

#include <stdbool.h>

/* Whether the environment names an endpoint of the container. */
bool aws_container_is_there(void);
int aws_container_session(struct aws_session *session, struct error *err);

/* Version 2 (a token first, so that nobody can be tricked into asking); AWS_EC2_METADATA_
 * SERVICE_ENDPOINT names another place. */
int aws_instance_session(struct aws_session *session, struct error *err);

#endif
