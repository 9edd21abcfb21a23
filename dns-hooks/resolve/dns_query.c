#include "dns-hooks/resolve/dns_query.h"

#include "common/file.h"
#include "dns-hooks/records/dns_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	UDP_ATTEMPTS = 2,
	UDP_ATTEMPT_MS = 1500, /* what is left of the time is for TCP */
	EDNS_UDP_SIZE = 1232,  /* what passes everywhere in one piece */
	UDP_STRAYS_MAX = 32,   /* datagrams that are no answer to what was asked */
};

void dns_packet_free(ldns_pkt **packet)
{
	ldns_pkt_free(*packet);
	*packet = NULL;
}

int dns_name_text(const ldns_rdf *rdf, domain_name out)
{
	AUTO_FREE char *text = rdf == NULL ? NULL : ldns_rdf2str(rdf);

	return text == NULL ? -1 : dns_name_normal(text, out);
}

bool dns_record_is(const ldns_rr *record, const char *name, ldns_rr_type type)
{
	domain_name owner;

	return ldns_rr_get_type(record) == type && ldns_rr_get_class(record) == LDNS_RR_CLASS_IN &&
	       dns_name_text(ldns_rr_owner(record), owner) == 0 && strcmp(owner, name) == 0;
}

const char *dns_rcode_text(const ldns_pkt *answer)
{
	const ldns_lookup_table *entry =
	    ldns_lookup_by_id(ldns_rcodes, (int)ldns_pkt_get_rcode(answer));

	return entry == NULL ? "an unknown response code" : entry->name;
}

ldns_pkt *dns_question(const char *name, ldns_rr_type type, bool recursive, struct error *err)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(*name == '\0' ? "." : name);
	ldns_pkt *question = NULL;

	if (owner == NULL) {
		error_set(err, EXIT_FAILED, "'%.100s' is not a domain name", name);
		return NULL;
	}
	/* Takes ownership of `owner` when it succeeds. */
	question = ldns_pkt_query_new(owner, type, LDNS_RR_CLASS_IN, recursive ? LDNS_RD : 0);
	if (question == NULL) {
		ldns_rdf_deep_free(owner);
		error_no_memory(err);
		return NULL;
	}
	ldns_pkt_set_random_id(question);
	return question;
}

static bool same_question(const ldns_pkt *question, const ldns_pkt *answer)
{
	const ldns_rr_list *asked = ldns_pkt_question(question);
	const ldns_rr_list *echoed = ldns_pkt_question(answer);

	/* FORMERR and the like come without it; so may the answer to an update (RFC 2136 section
	 * 3.8), whose signature tells whom it belongs to. */
	if (ldns_rr_list_rr_count(echoed) == 0)
		return ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR ||
		       ldns_pkt_get_opcode(answer) == LDNS_PACKET_UPDATE;
	if (ldns_rr_list_rr_count(echoed) != 1)
		return false;
	const ldns_rr *ours = ldns_rr_list_rr(asked, 0), *theirs = ldns_rr_list_rr(echoed, 0);
	return ldns_rr_get_type(ours) == ldns_rr_get_type(theirs) &&
	       ldns_rr_get_class(ours) == ldns_rr_get_class(theirs) &&
	       ldns_dname_compare(ldns_rr_owner(ours), ldns_rr_owner(theirs)) == 0;
}

ldns_pkt *dns_parse_answer(const ldns_pkt *question, const uint8_t *wire, size_t length,
			   const struct dns_server *server, struct error *err)
{
	ldns_pkt *answer = NULL;

	if (ldns_wire2pkt(&answer, wire, length) != LDNS_STATUS_OK || answer == NULL) {
		error_set(err, EXIT_UNREACHABLE, "%s sent something that is not a DNS message",
			  server->text);
		return NULL;
	}
	if (ldns_pkt_id(answer) == ldns_pkt_id(question) && ldns_pkt_qr(answer) &&
	    ldns_pkt_get_opcode(answer) == ldns_pkt_get_opcode(question) &&
	    same_question(question, answer))
		return answer;
	ldns_pkt_free(answer);
	error_set(err, EXIT_UNREACHABLE, "%s sent an answer to another question", server->text);
	return NULL;
}

/* Reads until the answer comes; others' and broken datagrams are passed over. */
static ldns_pkt *receive(int fd, const struct dns_server *server, const ldns_pkt *question,
			 deadline limit, struct error *err)
{
	static uint8_t datagram[DNS_MESSAGE_MAX];

	for (int strays = 0; strays < UDP_STRAYS_MAX; strays++) {
		if (dns_wait_readable(fd, server, limit, err) != 0)
			return NULL;
		ssize_t length = recv(fd, datagram, sizeof(datagram), 0);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (length < 0) {
			error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot read from %s",
					server->text);
			return NULL;
		}
		ldns_pkt *answer =
		    dns_parse_answer(question, datagram, (size_t)length, server, err);
		if (answer != NULL)
			return answer;
	}
	error_set(err, EXIT_UNREACHABLE, "%s sent only answers to other questions", server->text);
	return NULL;
}

static ldns_pkt *ask_udp(const struct dns_server *server, const ldns_pkt *question,
			 const uint8_t *wire, size_t length, deadline limit, struct error *err)
{
	AUTO_CLOSE int fd = dns_connect(server, SOCK_DGRAM, limit, err);
	ldns_pkt *answer = NULL;

	for (int attempt = 0; fd >= 0 && answer == NULL && attempt < UDP_ATTEMPTS; attempt++) {
		deadline patience = deadline_nearer(deadline_in(UDP_ATTEMPT_MS), limit);
		if (send(fd, wire, length, MSG_NOSIGNAL) < 0) {
			error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot send to %s",
					server->text);
			return NULL;
		}
		answer = receive(fd, server, question, patience, err);
		if (answer == NULL && err->code != EXIT_TRY_LATER)
			return NULL;
	}
	return answer;
}

static ldns_pkt *ask_tcp(const struct dns_server *server, const ldns_pkt *question,
			 const uint8_t *wire, size_t length, deadline limit, struct error *err)
{
	AUTO_FREE uint8_t *reply = NULL;
	size_t reply_length = 0;

	if (dns_exchange_tcp(server, wire, length, limit, &reply, &reply_length, err) != 0)
		return NULL;
	return dns_parse_answer(question, reply, reply_length, server, err);
}

static int exchange(const struct dns_server *server, const ldns_pkt *question, ldns_pkt **answer,
		    struct error *err)
{
	deadline limit = deadline_in(DNS_QUERY_TIMEOUT_MS);
	AUTO_FREE uint8_t *wire = NULL;
	size_t length = 0;

	if (ldns_pkt2wire(&wire, question, &length) != LDNS_STATUS_OK)
		return error_no_memory(err);
	*answer = ask_udp(server, question, wire, length, limit, err);
	if (*answer != NULL && !ldns_pkt_tc(*answer))
		return 0;
	dns_packet_free(answer);
	*answer = ask_tcp(server, question, wire, length, limit, err);
	if (*answer == NULL)
		return -1;
	if (!ldns_pkt_tc(*answer))
		return 0;
	dns_packet_free(answer);
	return error_set(err, EXIT_UNREACHABLE, "%s sent an answer that is cut short, by TCP too",
			 server->text);
}

int dns_query(const struct dns_server *server, const char *name, ldns_rr_type type, bool recursive,
	      ldns_pkt **answer, struct error *err)
{
	AUTO_PKT ldns_pkt *question = dns_question(name, type, recursive, err);

	return question == NULL ? -1 : exchange(server, question, answer, err);
}

int dns_query_unchecked(const struct dns_server *server, const char *name, ldns_rr_type type,
			ldns_pkt **answer, struct error *err)
{
	AUTO_PKT ldns_pkt *question = dns_question(name, type, true, err);

	if (question == NULL)
		return -1;
	ldns_pkt_set_cd(question, true);
	return exchange(server, question, answer, err);
}

int dns_query_signed(const struct dns_server *server, const char *name, ldns_rr_type type,
		     ldns_pkt **answer, struct error *err)
{
	AUTO_PKT ldns_pkt *question = dns_question(name, type, false, err);

	if (question == NULL)
		return -1;
	ldns_pkt_set_edns_udp_size(question, EDNS_UDP_SIZE);
	ldns_pkt_set_edns_do(question, true);
	return exchange(server, question, answer, err);
}
