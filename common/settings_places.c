#include "common/settings_places.h"

enum { WARNINGS_MAX = 1024 };

struct settings *settings_load_places(char *const *environ_block, struct buffer *problems,
				      struct error *err)
{
	struct buffer warnings;

	buffer_init(&warnings, WARNINGS_MAX);
	struct settings *settings =
	    settings_load_for(FOR_EVIDENCE, environ_block, problems, &warnings, err);
	buffer_free(&warnings);
	return settings;
}
