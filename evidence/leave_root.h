/*
 * The commands of ingress-evidence that talk to the guest agent become USER_EVIDENCE once they
 * are connected, before they read a byte from it.  Both functions are called then (http.h).
 */
#ifndef EVIDENCE_LEAVE_ROOT_H
#define EVIDENCE_LEAVE_ROOT_H

#include "common/confinement.h"

#include <linux/capability.h>

/* The capabilities to become another user. */
#define LEAVE_ROOT_CAPABILITIES \
	(CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP))

/* If not started as root, the process only gives up gaining rights. */
void leave_root(void *unused);

/*
 * The same for one that writes to a folder (a struct shared_folder), which becomes USER_EVIDENCE's
 * with the generations in it.  A folder that is somebody else's, or that not everybody may read,
 * stays whose it is: then this stays root, with no more rights than writing there takes.
 */
void leave_root_for_folder(void *folder);

#endif
