/* Zones at Namecheap out of hosts as getHosts shows them, for the tests of what becomes of them. */
#ifndef TEST_UNIT_DNS_HOOKS_NAMECHEAP_ZONES_H
#define TEST_UNIT_DNS_HOOKS_NAMECHEAP_ZONES_H

#include "test/unit/common/unit.h"

#include "dns-hooks/providers/namecheap_answer.h"

#define CALL "domains.dns.getHosts of example.co.uk"
#define ZONE "example.co.uk"

#define RESPONSE(status, errors, content)                                                   \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<ApiResponse Status=\"" status       \
	"\" xmlns=\"http://api.namecheap.com/xml.response\">" errors "<Warnings />" content \
	"<Server>PHX01APIEXT02</Server><GMTTimeDifference>--4:00</GMTTimeDifference>"       \
	"<ExecutionTime>0.223</ExecutionTime></ApiResponse>"
#define SUCCESS(content) \
	RESPONSE("OK", "<Errors />", "<CommandResponse>" content "</CommandResponse>")
#define HOSTS(attributes, hosts)                                                     \
	SUCCESS("<DomainDNSGetHostsResult Domain=\"" ZONE "\" " attributes ">" hosts \
		"</DomainDNSGetHostsResult>")
#define HOST_WITH(name, type, address, ttl, more)                                   \
	"<host HostId=\"1\" Name=\"" name "\" Type=\"" type "\" Address=\"" address \
	"\" MXPref=\"10\" TTL=\"" ttl "\" AssociatedAppTitle=\"\" FriendlyName=\"\" " more "/>"
#define HOST(name, type, address) \
	HOST_WITH(name, type, address, "1799", "IsActive=\"true\" IsDDNSEnabled=\"false\"")

static inline int judge(struct namecheap_answer *answer, long status, const char *body,
			struct error *err)
{
	*answer = (struct namecheap_answer){.status = status};
	return namecheap_judge(answer, CALL, body, strlen(body), err);
}

/* The zone in a body; -1 with err. */
static inline int read_body(const char *body, struct namecheap_zone *zone, struct error *err)
{
	struct namecheap_answer answer;
	int result = judge(&answer, 200, body, err);

	*zone = (struct namecheap_zone){0};
	if (result == 0)
		result = namecheap_read_zone(&answer, ZONE, zone, err);
	namecheap_answer_free(&answer);
	return result;
}

static inline void read_good(const char *body, struct namecheap_zone *zone)
{
	struct error err = ERROR_INIT;

	if (read_body(body, zone, &err) != 0)
		fail_msg("%s", err.text);
}

/* A zone with these hosts and EmailType MX. */
#define ZONE_OF(zone, hosts)                            \
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone; \
	read_good(HOSTS("EmailType=\"MX\" IsUsingOurDNS=\"true\"", hosts), &(zone))

#endif
