/*
 * What a name resolves to, as a line from ingress-resolve to ingressd:
 *
 *   NAME ADDRESS ADDRESS ...   in libc's order
 *   NAME gone                  there is no such name, or it has no address
 *   NAME failed                nobody could tell: silence, SERVFAIL, no server
 */
#ifndef SUPERVISOR_ADDRESSES_DNS_ANSWER_H
#define SUPERVISOR_ADDRESSES_DNS_ANSWER_H

#include "common/buffer.h"
#include "common/domain.h"
#include "common/ip_network.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	DNS_ANSWER_ADDRESSES_MAX = 64, /* what libc put behind them does not count */
	DNS_ANSWER_LINE_MAX = DOMAIN_MAX + 2 + DNS_ANSWER_ADDRESSES_MAX * IP_TEXT_SIZE,
};

enum dns_answer_kind { DNS_ANSWER_ADDRESSES, DNS_ANSWER_GONE, DNS_ANSWER_FAILED };

struct dns_answer {
	char name[DOMAIN_MAX + 1];
	enum dns_answer_kind kind;
	struct ip_address addresses[DNS_ANSWER_ADDRESSES_MAX];
	size_t count; /* at least one with DNS_ANSWER_ADDRESSES */
};

/* Appends the line for what getaddrinfo() gave (`status` is its return value). */
void dns_answer_format(const char *name, int status, const struct addrinfo *list,
		       struct buffer *line);

/* False when the line (without its newline) is not of that form. */
bool dns_answer_parse(const char *line, struct dns_answer *answer);

#endif
