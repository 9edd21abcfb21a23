#include "dns-hooks/providers/aws_partition.h"

#include <stddef.h>
#include <string.h>

/* https://docs.aws.amazon.com/general/latest/gr/r53.html, and for China
 * https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Ningxia.html */
static const struct aws_partition partitions[] = {
    {"cn-", "https://route53.amazonaws.com.cn", "cn-northwest-1", "amazonaws.com.cn"},
    {"us-gov-", "https://route53.us-gov.amazonaws.com", "us-gov-west-1", "amazonaws.com"},
    {"", "https://route53.amazonaws.com", "us-east-1", "amazonaws.com"},
};

const struct aws_partition *aws_partition_of(const char *region)
{
	const struct aws_partition *partition = partitions;

	while (region != NULL &&
	       strncmp(partition->region_prefix, region, strlen(partition->region_prefix)) != 0)
		partition++;
	return region == NULL ? &partitions[sizeof(partitions) / sizeof(partitions[0]) - 1]
			      : partition;
}
