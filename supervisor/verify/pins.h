/* The values that a user expects of an app, each in lower case hex; "" is not pinned. */
#ifndef SUPERVISOR_VERIFY_PINS_H
#define SUPERVISOR_VERIFY_PINS_H

#include "common/attestation/td_report.h"
#include "common/error.h"

#include <stddef.h>

enum { PIN_DIGITS_MAX = 2 * MEASUREMENT_SIZE };

enum pin {
	PIN_APP_ID,
	PIN_COMPOSE_HASH,
	PIN_OS_IMAGE_HASH,
	PIN_MRTD,
	PIN_RTMR0,
	PIN_RTMR1,
	PIN_RTMR2,
	PIN_COUNT
};

struct pins {
	char hex[PIN_COUNT][PIN_DIGITS_MAX + 1];
};

/* As a policy has it: "app_id"; the option is the same with '-' for '_'. */
const char *pin_name(enum pin pin);

/* -1 with EXIT_USAGE_ERROR when `text` is not hex of the right length; `where` begins the
 * message. */
int pin_set(struct pins *pins, enum pin pin, const char *text, const char *where,
	    struct error *err);

#endif
