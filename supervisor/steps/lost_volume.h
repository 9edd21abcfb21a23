/*
 * The certificate volume of an app that has been here before, without what it had: it was lost, or
 * nobody mounted it.  Each start on such a volume takes an account and a certificate per name from
 * the CA, which gives few of either; an app that is restarted again and again meets limits that
 * last for days.  What the volume does not know any more DNS may: records of this very app.
 *
 * So it is told, and where DNS says so and the volume has no state of ours either, registering
 * waits for two minutes from the start on: a container that does not live that long costs nothing.
 */
#ifndef SUPERVISOR_STEPS_LOST_VOLUME_H
#define SUPERVISOR_STEPS_LOST_VOLUME_H

#include "common/error.h"

#include <stdbool.h>

enum { LOST_VOLUME_PAUSE = 120 }; /* seconds */

struct lost_volume {
	const char *folder;	 /* of the volume, for messages; borrowed */
	long long started_at_ms; /* by clock_now_ms() */
	bool is_known_to_dns;	 /* records of this app were there before we made any */
};

/* No account is there, and one is about to be registered: 0, with a warning, or -1 with
 * EXIT_TRY_LATER, err->retry_after and the reason. */
int lost_volume_check(const struct lost_volume *volume, long long now_ms, struct error *err);

#endif
