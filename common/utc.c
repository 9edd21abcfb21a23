#include "common/utc.h"

#include <stddef.h>

#define FORMAT "%Y-%m-%dT%H:%M:%SZ"

void utc_write(time_t time, char text[UTC_SIZE])
{
	struct tm parts = {0};

	gmtime_r(&time, &parts);
	if (strftime(text, UTC_SIZE, FORMAT, &parts) == 0)
		text[0] = '\0'; /* a year of more than eight digits */
}

int utc_read(const char *text, time_t *time)
{
	struct tm parts = {0};
	const char *end = strptime(text, FORMAT, &parts);

	if (end == NULL || *end != '\0')
		return -1;
	*time = timegm(&parts);
	return 0;
}

int utc_read_http(const char *text, time_t *time)
{
	static const char *const formats[] = {
	    "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", /* of RFC 850 */
	    "%a %b %e %H:%M:%S %Y",				      /* of asctime() */
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm parts = {0};
		const char *end = strptime(text, formats[i], &parts);
		if (end == NULL || *end != '\0')
			continue;
		*time = timegm(&parts);
		return 0;
	}
	return -1;
}
