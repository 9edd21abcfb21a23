#include "supervisor/haproxy/haproxy_stat.h"

#include <stdlib.h>
#include <string.h>

/* Which columns there are, and in which order, depends on HAProxy's version. */
enum column {
	PROXY,
	SERVER,
	ADDRESS,
	STATUS,
	SESSIONS,
	SESSIONS_MAX,
	CONNECT_ERRORS,
	BYTES_OUT,
	COLUMNS,
};

static const char *const names[COLUMNS] = {
    [PROXY] = "pxname",	 [SERVER] = "svname",	  [ADDRESS] = "addr",	     [STATUS] = "status",
    [SESSIONS] = "scur", [SESSIONS_MAX] = "slim", [CONNECT_ERRORS] = "econ", [BYTES_OUT] = "bout",
};

struct layout {
	int places[COLUMNS]; /* -1: there is no such column */
};

static bool read_layout(char *line, struct layout *layout)
{
	char *name;

	for (int i = 0; i < COLUMNS; i++)
		layout->places[i] = -1;
	for (int place = 0; (name = strsep(&line, ",")) != NULL; place++)
		for (int i = 0; i < COLUMNS; i++)
			if (strcmp(name, names[i]) == 0)
				layout->places[i] = place;
	return layout->places[PROXY] >= 0 && layout->places[SERVER] >= 0;
}

static void read_line(char *line, const struct layout *layout, haproxy_stat_row *row, void *arg)
{
	const char *values[COLUMNS];
	char *value;

	for (int i = 0; i < COLUMNS; i++)
		values[i] = "";
	for (int place = 0; (value = strsep(&line, ",")) != NULL; place++)
		for (int i = 0; i < COLUMNS; i++)
			if (layout->places[i] == place)
				values[i] = value;
	const struct haproxy_stat stat = {
	    .proxy = values[PROXY],
	    .server = values[SERVER],
	    .address = values[ADDRESS],
	    .status = values[STATUS],
	    .sessions = strtol(values[SESSIONS], NULL, 10),
	    .sessions_max = strtol(values[SESSIONS_MAX], NULL, 10),
	    .connect_errors = strtoull(values[CONNECT_ERRORS], NULL, 10),
	    .bytes_out = strtoull(values[BYTES_OUT], NULL, 10),
	};
	row(&stat, arg);
}

bool haproxy_stat_read(char *reply, haproxy_stat_row *row, void *arg)
{
	struct layout layout;
	bool has_layout = false;
	char *line;

	while ((line = strsep(&reply, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		if (strncmp(line, "# ", 2) == 0)
			has_layout = read_layout(line + 2, &layout);
		else if (has_layout)
			read_line(line, &layout, row, arg);
	}
	return has_layout;
}
