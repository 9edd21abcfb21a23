#include "supervisor/verify/pins.h"

#include "common/digest.h"
#include "common/hex.h"

#include <ctype.h>
#include <string.h>

enum { APP_ID_SIZE = 20 };

static const struct {
	const char *name;
	size_t size;
} known[PIN_COUNT] = {
    [PIN_APP_ID] = {"app_id", APP_ID_SIZE},
    [PIN_COMPOSE_HASH] = {"compose_hash", SHA256_SIZE},
    [PIN_OS_IMAGE_HASH] = {"os_image_hash", SHA256_SIZE},
    [PIN_MRTD] = {"mrtd", MEASUREMENT_SIZE},
    [PIN_RTMR0] = {"rtmr0", MEASUREMENT_SIZE},
    [PIN_RTMR1] = {"rtmr1", MEASUREMENT_SIZE},
    [PIN_RTMR2] = {"rtmr2", MEASUREMENT_SIZE},
};

const char *pin_name(enum pin pin)
{
	return known[pin].name;
}

int pin_set(struct pins *pins, enum pin pin, const char *text, const char *where, struct error *err)
{
	size_t digits = 2 * known[pin].size;

	if (strlen(text) != digits || !hex_is_valid(text))
		return error_set(err, EXIT_USAGE_ERROR, "%s: \"%.110s\" is not hex of %zu bytes",
				 where, text, known[pin].size);
	for (size_t i = 0; i <= digits; i++)
		pins->hex[pin][i] = (char)tolower((unsigned char)text[i]);
	return 0;
}
