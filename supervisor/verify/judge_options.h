/* What every check of a verification goes by. */
#ifndef SUPERVISOR_VERIFY_JUDGE_OPTIONS_H
#define SUPERVISOR_VERIFY_JUDGE_OPTIONS_H

#include "common/attestation/attestation.h"
#include "common/buffer.h"
#include "supervisor/verify/pins.h"

#include <stdbool.h>
#include <time.h>

struct judge_options {
	struct trust_anchor anchor;
	time_t at;
	const char *ca_file;		 /* trust for the site's certificate; NULL: the system's */
	const struct buffer *collateral; /* NULL: none */
	const struct buffer *ct_list;	 /* of a CT log, see manifest.h; NULL: none */
	enum tcb_status worst_tcb;
	struct pins pins;
	const char *platform; /* accepted unjudged, see platform.h; NULL: none */
	bool bare_quote;      /* only a quote is there: nothing says what it has to be over */
};

#endif
