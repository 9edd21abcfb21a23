/* Inputs that are DNS messages. */
#ifndef TEST_FUZZ_DNS_MESSAGE_H
#define TEST_FUZZ_DNS_MESSAGE_H

#include "dns-hooks/dns_query.h"

#include "test/fuzz/fuzz.h"

/* As one of the questions that this program asks: the message's own, where it has one. */
static inline ldns_pkt *question_of(const ldns_pkt *message)
{
	struct error err = ERROR_INIT;
	const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(message), 0);
	domain_name name;

	if (asked == NULL || dns_name_text(ldns_rr_owner(asked), name) != 0)
		memcpy(name, "a.test", sizeof("a.test"));
	ldns_pkt *question = dns_question(
	    name, asked == NULL ? LDNS_RR_TYPE_TXT : ldns_rr_get_type(asked), false, &err);
	if (question == NULL)
		fuzz_check_error(&err);
	else
		ldns_pkt_set_id(question, ldns_pkt_id(message));
	return question;
}

/* NULL when the input is no DNS message at all. */
static inline ldns_pkt *message_of(const uint8_t *data, size_t size)
{
	ldns_pkt *message = NULL;

	return ldns_wire2pkt(&message, data, size) == LDNS_STATUS_OK ? message : NULL;
}

#endif
