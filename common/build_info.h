/* What the image says of itself: lines NAME=VALUE, with the names of the labels that an image has
 * (OCI image specification, annotations.md).  Outside of an image there is no such file. */
#ifndef COMMON_BUILD_INFO_H
#define COMMON_BUILD_INFO_H

#include "common/buffer.h"

#include <stdbool.h>

#define BUILD_INFO_PATH "/etc/dstack-ingress/build-info"

enum { BUILD_REVISION_MAX = 80 /* a commit's id, and "-dirty" */ };

/* org.opencontainers.image.revision: letters, digits and '-'; "" where nobody says it. */
void build_info_revision(const char *path, char revision[BUILD_REVISION_MAX + 1]);

/* All of it for a log: "version 0.1.0, revision b377583fe0".  `line` is initialized here, and has
 * to be freed.  false, with an empty line, where nobody says anything. */
bool build_info_line(const char *path, struct buffer *line);

#endif
