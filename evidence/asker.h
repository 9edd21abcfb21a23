/*
 * Asking the guest agent for quotes on behalf of a process that has given up the right to.
 *
 * The agent's socket may be root's.  So a child stays root, with no more capabilities than it
 * takes to become another user; all it reads is 64 bytes of REPORTDATA from its parent.  For each
 * of them it forks once more: that process connects to the agent, gives up root, and only then
 * reads its answer, which it passes on to the parent unread.
 *
 * One question at a time, and every one is answered: the agent has a deadline.
 */
#ifndef EVIDENCE_ASKER_H
#define EVIDENCE_ASKER_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* Sent in front of each answer: `length` bytes of it follow, the agent's JSON when `code` is
 * EXIT_OK, else a sentence. */
struct asker_head {
	int32_t code; /* enum exit_code */
	uint32_t length;
};

/* Forks the child.  Returns the socket at which it takes questions and gives answers (closing it
 * ends the child), or -1.  To be called before root is given up. */
int asker_start(const char *dstack_socket, const char *tappd_socket, struct error *err);

#endif
