/* What the image says of itself: lines NAME=VALUE, with the names of the labels that an image has
 * (OCI image specification, annotations.md).  Outside of an image there is no such file. */
#ifndef EVIDENCE_BUILD_INFO_H
#define EVIDENCE_BUILD_INFO_H

#define BUILD_INFO_PATH "/etc/dstack-ingress/build-info"

enum { BUILD_REVISION_MAX = 80 /* a commit's id, and "-dirty" */ };

/* org.opencontainers.image.revision: letters, digits and '-'; "" where nobody says it. */
void build_info_revision(const char *path, char revision[BUILD_REVISION_MAX + 1]);

#endif
