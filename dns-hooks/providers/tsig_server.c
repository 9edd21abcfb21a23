#include "dns-hooks/providers/tsig_server.h"

#include "common/file.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	EXCHANGE_TIMEOUT_MS = 15000,
	LOOKUP_TIMEOUT_MS = 10000,
	CLOCK_TEXT_MAX = 64,
	FUDGE_SECONDS = 300, /* RFC 8945 section 10 */
	/* Fields of a TSIG record (RFC 8945 section 4.2). */
	FIELD_ALGORITHM = 0,
	FIELD_MAC = 3,
	FIELD_ORIGINAL_ID = 4,
	FIELD_ERROR = 5,
};

struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[DOMAIN_MAX + 1], port[8];
};

/* getaddrinfo() knows no deadline, and glibc waits without end for a name server that takes a
 * connection and says nothing.  What does not end in time keeps its thread and its memory: the
 * program ends soon. */
static int look_up(struct lookup *lookup, deadline limit)
{
	struct gaicb *list[] = {&lookup->request};
	const struct gaicb *const awaited[] = {&lookup->request};
	int problem = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	long left;

	if (problem != 0)
		return problem;
	while ((problem = gai_error(&lookup->request)) == EAI_INPROGRESS &&
	       (left = deadline_left(limit)) > 0) {
		const struct timespec pause = {left / 1000, left % 1000 * 1000000};
		gai_suspend(awaited, 1, &pause);
	}
	return problem;
}

static void take_addresses(struct tsig_server *server, struct lookup *lookup)
{
	for (const struct addrinfo *a = lookup->request.ar_result;
	     a != NULL && server->count < TSIG_ADDRESSES_MAX; a = a->ai_next)
		dns_server_set(&server->addresses[server->count++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(lookup->request.ar_result);
}

/* The system finds the server, as it does for the HTTP providers: it may well be a name that
 * only this network knows. */
static int find_addresses(struct tsig_server *server, struct error *err)
{
	if (server->count > 0)
		return 0;
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL)
		return error_no_memory(err);
	snprintf(lookup->host, sizeof(lookup->host), "%s", server->endpoint.host);
	snprintf(lookup->port, sizeof(lookup->port), "%u", (unsigned)server->endpoint.port);
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->request = (struct gaicb){
	    .ar_name = lookup->host, .ar_service = lookup->port, .ar_request = &lookup->hints};
	int problem = look_up(lookup, deadline_in(LOOKUP_TIMEOUT_MS));
	if (problem == EAI_INPROGRESS)
		return error_set(err, EXIT_TRY_LATER,
				 "cannot find the address of %s: DNS did not answer in time",
				 server->endpoint.host);
	if (problem == 0)
		take_addresses(server, lookup);
	else
		error_set(err, EXIT_UNREACHABLE, "cannot find the address of %s: %s",
			  server->endpoint.host, gai_strerror(problem));
	free(lookup);
	return problem == 0 ? 0 : -1;
}

int tsig_sign(const struct tsig_server *server, ldns_pkt *message, struct error *err)
{
	ldns_status status = ldns_pkt_tsig_sign(message, server->key_name, server->secret,
						FUDGE_SECONDS, server->algorithm, NULL);

	if (status == LDNS_STATUS_OK)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG,
			 "cannot sign with the key %s (%s): RFC2136_KEY_SECRET must be the base64 "
			 "text of the key",
			 server->key_name, ldns_get_errorstr_by_id(status));
}

/* ", which says 2026-11-30 10:00:00 UTC". */
static void clock_text(char text[CLOCK_TEXT_MAX])
{
	time_t now = time(NULL);
	struct tm parts;

	*text = '\0';
	if (gmtime_r(&now, &parts) != NULL)
		strftime(text, CLOCK_TEXT_MAX, ", which says %Y-%m-%d %H:%M:%S UTC", &parts);
}

/* RFC 8945 section 5.2: what the server says about our signature. */
static int explain_tsig_error(const struct tsig_server *server, unsigned code, struct error *err)
{
	enum { BADSIG = 16, BADKEY = 17, BADTIME = 18 };
	const char *host = server->endpoint.host;
	char clock[CLOCK_TEXT_MAX];

	switch (code) {
	case BADSIG:
		return error_set(err, EXIT_BAD_CONFIG,
				 "%s refuses the signature (BADSIG): RFC2136_KEY_SECRET is not the "
				 "secret of the key %s there",
				 host, server->key_name);
	case BADKEY:
		return error_set(err, EXIT_BAD_CONFIG,
				 "%s does not take the key (BADKEY): check RFC2136_KEY_NAME (%s) "
				 "and RFC2136_KEY_ALGORITHM (%s), and, in Knot, whether an acl of "
				 "the zone allows the key this name and type",
				 host, server->key_name, server->algorithm);
	case BADTIME:
		clock_text(clock);
		return error_set(err, EXIT_BAD_CONFIG,
				 "%s refuses the time of the signature (BADTIME): its clock "
				 "differs by more than %d seconds from that of this machine%s",
				 host, FUDGE_SECONDS, clock);
	default:
		return error_set(err, EXIT_BAD_CONFIG, "%s refuses the signature (error %u)", host,
				 code);
	}
}

static unsigned tsig_error_of(const ldns_rr *tsig)
{
	const ldns_rdf *field = ldns_rr_rdf(tsig, FIELD_ERROR);

	return field == NULL ? 0 : ldns_rdf2native_int16(field);
}

/* What a server may say that has not come as far as the key. */
static bool is_refusal(const ldns_pkt *answer)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

	return rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_SERVFAIL ||
	       rcode == LDNS_RCODE_NOTIMPL || rcode == LDNS_RCODE_REFUSED ||
	       rcode == LDNS_RCODE_NOTAUTH;
}

static bool is_our_algorithm(const struct tsig_server *server, const ldns_rr *tsig)
{
	AUTO_FREE char *algorithm = ldns_rdf2str(ldns_rr_rdf(tsig, FIELD_ALGORITHM));

	return algorithm != NULL && strcasecmp(algorithm, server->algorithm) == 0;
}

/*
 * What is signed has the id that the signer knew, which somebody in between (a secondary that
 * forwards updates) may have replaced on the way (RFC 8945 section 5.3).  That the header's is the
 * question's was looked at before.
 */
static bool is_signature_right(const struct tsig_server *server, ldns_pkt *answer,
			       const uint8_t *wire, size_t length, const ldns_rdf *mac)
{
	const ldns_rdf *original = ldns_rr_rdf(ldns_pkt_tsig(answer), FIELD_ORIGINAL_ID);
	AUTO_FREE uint8_t *as_signed = malloc(length + 1);

	if (original == NULL || ldns_rdf_size(original) != 2 || as_signed == NULL || length < 2)
		return false;
	memcpy(as_signed, wire, length);
	memcpy(as_signed, ldns_rdf_data(original), 2);
	return ldns_pkt_tsig_verify(answer, as_signed, length, server->key_name, server->secret,
				    mac);
}

/* `mac` is the request's: the answer's signature covers it, so that no old answer fits. */
static int check_signature(const struct tsig_server *server, ldns_pkt *answer, const uint8_t *wire,
			   size_t length, const ldns_rdf *mac, struct error *err)
{
	const ldns_rr *tsig = ldns_pkt_tsig(answer);

	if (tsig != NULL && tsig_error_of(tsig) != 0)
		return explain_tsig_error(server, tsig_error_of(tsig), err);
	if (tsig == NULL && is_refusal(answer))
		return tsig_explain_rcode(server, answer, "to answer", err);
	if (tsig == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "%s does not sign its answers: something between may have changed "
				 "them",
				 server->endpoint.host);
	/* The algorithm is compared here since ldns takes the answer's word for it. */
	if (is_our_algorithm(server, tsig) && is_signature_right(server, answer, wire, length, mac))
		return 0;
	return error_set(err, EXIT_UNREACHABLE, "the signature of %s's answer is wrong",
			 server->endpoint.host);
}

static int send_anywhere(const struct tsig_server *server, const uint8_t *wire, size_t length,
			 const struct dns_server **answered, uint8_t **reply, size_t *reply_length,
			 struct error *err)
{
	deadline limit = deadline_in(EXCHANGE_TIMEOUT_MS);

	for (size_t i = 0; i < server->count; i++) {
		*answered = &server->addresses[i];
		if (dns_exchange_tcp(*answered, wire, length, limit, reply, reply_length, err) == 0)
			return 0;
	}
	return -1;
}

ldns_pkt *tsig_read_answer(const struct tsig_server *server, const ldns_pkt *message,
			   const struct dns_server *from, const uint8_t *reply, size_t length,
			   struct error *err)
{
	ldns_pkt *answer = dns_parse_answer(message, reply, length, from, err);

	if (answer == NULL)
		return NULL;
	const ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(message), FIELD_MAC);
	if (check_signature(server, answer, reply, length, mac, err) == 0)
		return answer;
	ldns_pkt_free(answer);
	return NULL;
}

ldns_pkt *tsig_exchange(struct tsig_server *server, ldns_pkt *message, struct error *err)
{
	AUTO_FREE uint8_t *wire = NULL, *reply = NULL;
	size_t length = 0, reply_length = 0;
	const struct dns_server *answered = NULL;

	if (find_addresses(server, err) != 0 || tsig_sign(server, message, err) != 0)
		return NULL;
	if (ldns_pkt2wire(&wire, message, &length) != LDNS_STATUS_OK) {
		error_no_memory(err);
		return NULL;
	}
	if (send_anywhere(server, wire, length, &answered, &reply, &reply_length, err) != 0)
		return NULL;
	return tsig_read_answer(server, message, answered, reply, reply_length, err);
}

int tsig_explain_rcode(const struct tsig_server *server, const ldns_pkt *answer, const char *what,
		       struct error *err)
{
	const char *host = server->endpoint.host;
	char clock[CLOCK_TEXT_MAX];

	switch (ldns_pkt_get_rcode(answer)) {
	case LDNS_RCODE_REFUSED:
		return error_set(err, EXIT_BAD_CONFIG,
				 "%s refuses %s (REFUSED): the key %s must be allowed to "
				 "(allow-update or update-policy in BIND, an acl in Knot)",
				 host, what, server->key_name);
	case LDNS_RCODE_NOTAUTH:
		clock_text(clock);
		return error_set(
		    err, EXIT_BAD_CONFIG,
		    "%s refuses %s (NOTAUTH): it is not the primary of that zone, does "
		    "not accept the key %s (RFC2136_KEY_NAME, RFC2136_KEY_SECRET) or not allow it "
		    "this name and type, or its clock differs by more than %d seconds from that "
		    "of this machine%s",
		    host, what, server->key_name, FUDGE_SECONDS, clock);
	case LDNS_RCODE_NOTZONE:
		return error_set(err, EXIT_FAILED, "%s refuses %s (NOTZONE): the name is not in it",
				 host, what);
	case LDNS_RCODE_NOTIMPL:
		return error_set(
		    err, EXIT_BAD_CONFIG,
		    "%s does not know how (NOTIMP) %s: it must support dynamic updates "
		    "(RFC 2136)",
		    host, what);
	case LDNS_RCODE_SERVFAIL:
		return error_set(err, EXIT_UNREACHABLE,
				 "%s fails %s (SERVFAIL): its own log says why, often that it may "
				 "not write its zone's journal file, that CNAMEs lead in a circle "
				 "(one of a wildcard to a name that is not there, say), or, where "
				 "it forwards updates, that its primary does not take the key or "
				 "the time",
				 host, what);
	default:
		return error_set(err, EXIT_FAILED, "%s was asked %s, and answers %s", host, what,
				 dns_rcode_text(answer));
	}
}
