/* Where the services of a region are. */
#include "dns-hooks/providers/aws_partition.h"

#include "test/unit/common/unit.h"

static void regions_have_their_own_addresses(void **state)
{
	static const struct {
		const char *region, *url, *signed_for, *domain;
	} cases[] = {
	    {NULL, "https://route53.amazonaws.com", "us-east-1", "amazonaws.com"},
	    {"eu-west-1", "https://route53.amazonaws.com", "us-east-1", "amazonaws.com"},
	    {"us-east-1", "https://route53.amazonaws.com", "us-east-1", "amazonaws.com"},
	    {"cn-north-1", "https://route53.amazonaws.com.cn", "cn-northwest-1",
	     "amazonaws.com.cn"},
	    {"cn-northwest-1", "https://route53.amazonaws.com.cn", "cn-northwest-1",
	     "amazonaws.com.cn"},
	    {"us-gov-east-1", "https://route53.us-gov.amazonaws.com", "us-gov-west-1",
	     "amazonaws.com"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct aws_partition *partition = aws_partition_of(cases[i].region);
		assert_string_equal(partition->route53_url, cases[i].url);
		assert_string_equal(partition->route53_region, cases[i].signed_for);
		assert_string_equal(partition->domain, cases[i].domain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(regions_have_their_own_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
