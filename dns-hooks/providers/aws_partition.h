/* AWS is several worlds apart, each with its own addresses: the common one, China, and GovCloud. */
#ifndef DNS_HOOKS_PROVIDERS_AWS_PARTITION_H
#define DNS_HOOKS_PROVIDERS_AWS_PARTITION_H

struct aws_partition {
	const char *region_prefix;
	const char *route53_url;
	const char *route53_region; /* what its requests are signed for, wherever one is */
	const char *domain;	    /* of the services of a region */
};

/* The one that a region lies in; NULL is the common one's. */
const struct aws_partition *aws_partition_of(const char *region);

#endif
