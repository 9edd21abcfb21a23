#include "supervisor/steps/lost_volume.h"

#include "common/log.h"

int lost_volume_check(const struct lost_volume *volume, long long now_ms, struct error *err)
{
	long long left = LOST_VOLUME_PAUSE - (now_ms - volume->started_at_ms) / 1000;

	if (!volume->is_known_to_dns || left <= 0) {
		log_warn("no ACME account on %s: one is registered.  If this app had one before, "
			 "its volume was lost or is not mounted; CAs give few accounts to an "
			 "address and few certificates to a name (Let's Encrypt: 10 in three "
			 "hours, 5 in a week)",
			 volume->folder);
		return 0;
	}
	error_set(err, EXIT_TRY_LATER,
		  "no ACME account on %s, but DNS has this app's records already: its volume was "
		  "lost or is not mounted.  CAs give few accounts and certificates to who asks "
		  "again and again, so one is registered in %lld s; mount the volume, or go on at "
		  "once with `ingressctl renew --force`",
		  volume->folder, left);
	err->retry_after = (unsigned)left;
	return -1;
}
