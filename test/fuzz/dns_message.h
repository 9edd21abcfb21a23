/* Inputs that are DNS messages. */
#ifndef TEST_FUZZ_DNS_MESSAGE_H
#define TEST_FUZZ_DNS_MESSAGE_H

#include "dns-hooks/resolve/dns_query.h"

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

/*
 * ldns 1.8 loses the memory of all TSIG records of a message but the last.  The program that
 * reads them runs for seconds and asks a few times, so that this harms nobody; here it would
 * end every run.
 */
static inline bool is_leaked_by_ldns(const uint8_t *data, size_t size)
{
	enum { HEADER_SIZE = 12 };
	size_t position = HEADER_SIZE, questions, signatures = 0;
	ldns_rr *rr = NULL;

	if (size < HEADER_SIZE)
		return false;
	questions = (size_t)data[4] << 8 | data[5];
	for (size_t i = 0; position < size; i++) {
		ldns_pkt_section section = i < questions ? LDNS_SECTION_QUESTION : LDNS_SECTION_ANY;
		if (ldns_wire2rr(&rr, data, size, &position, section) != LDNS_STATUS_OK)
			break;
		signatures += ldns_rr_get_type(rr) == LDNS_RR_TYPE_TSIG;
		ldns_rr_free(rr);
	}
	return signatures > 1;
}

/* NULL when the input is no DNS message at all. */
static inline ldns_pkt *message_of(const uint8_t *data, size_t size)
{
	ldns_pkt *message = NULL;

	if (is_leaked_by_ldns(data, size))
		return NULL;
	return ldns_wire2pkt(&message, data, size) == LDNS_STATUS_OK ? message : NULL;
}

#endif
