#include "common/time_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* 0 for what is none. */
static int64_t unit_us(const char *unit)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {{"us", 1},		{"ms", 1000},	     {"s", 1000000},
		     {"m", 60000000LL}, {"h", 3600000000LL}, {"d", 86400000000LL}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].us;
	return 0;
}

int64_t time_text_us(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int64_t us = unit_us(text + digits);
	long long number = strtoll(text, NULL, 10); /* LLONG_MAX for what is larger */

	if (digits == 0 || us == 0)
		return -1;
	return number > INT64_MAX / us ? INT64_MAX : number * us;
}
