/*
 * Where keys come from: the record of those that were made here is read, extended, and given
 * back under a MAC.  The key of that MAC is derived from one that the guest agent gives to this
 * app alone, and stays in this process.
 */
#ifndef EVIDENCE_ORIGIN_H
#define EVIDENCE_ORIGIN_H

#include "common/error.h"
#include "evidence/key_record.h"

struct origin_request {
	const char *dstack_socket, *tappd_socket;
	int record_fd;		      /* the record there is, open for reading; -1: none */
	const struct key_entry *made; /* what the record is to have as well */
	size_t made_count;
};

/*
 * JSON, free()d by the caller:
 *   {"record": the text to keep, "keys": [SPKI, ...], "rejected": a sentence or null}
 * `rejected` says why the record there was cannot be believed; then `record` begins anew.
 *
 * NULL with err: EXIT_BAD_CONFIG when the guest agent is one without GetKey, others as
 * guest_agent.h has them.
 */
char *origin_answer(const struct origin_request *request, struct error *err);

#endif
