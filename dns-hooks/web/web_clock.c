#include "dns-hooks/web/web_clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOLERANCE_S = 300, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, TIME_TEXT_MAX = 40 };

/* The largest unit of which there are two at least. */
static void show_difference(long long seconds, char *text, size_t size)
{
	if (seconds >= 2 * DAY_S)
		snprintf(text, size, "%lld days", seconds / DAY_S);
	else if (seconds >= 2 * HOUR_S)
		snprintf(text, size, "%lld hours", seconds / HOUR_S);
	else
		snprintf(text, size, "%lld minutes", seconds / MINUTE_S);
}

bool web_clock_differs(time_t now, time_t date, const char *host, char text[WEB_CLOCK_TEXT_MAX])
{
	long long ahead = (long long)now - (long long)date;
	char difference[TIME_TEXT_MAX], says[TIME_TEXT_MAX] = "";
	struct tm parts;

	if (date <= 0 || llabs(ahead) <= TOLERANCE_S || gmtime_r(&date, &parts) == NULL)
		return false;
	show_difference(llabs(ahead), difference, sizeof(difference));
	strftime(says, sizeof(says), "%Y-%m-%d %H:%M:%S UTC", &parts);
	snprintf(text, WEB_CLOCK_TEXT_MAX,
		 "the clock of this machine is %s %s that of %.150s, which says %s: by a wrong "
		 "clock signatures are refused and renewals come at the wrong time; set it right",
		 difference, ahead > 0 ? "ahead of" : "behind", host, says);
	return true;
}
