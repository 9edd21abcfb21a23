#include "common/utc.h"

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
