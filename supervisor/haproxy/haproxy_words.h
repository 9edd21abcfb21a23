/* What HAProxy says on its standard error: how serious a line is, and which certificate it names
 * when it does not start with a configuration. */
#ifndef SUPERVISOR_HAPROXY_HAPROXY_WORDS_H
#define SUPERVISOR_HAPROXY_HAPROXY_WORDS_H

#include "common/log.h"
#include "supervisor/store/served_pair.h"

#include <stdbool.h>

/* For struct process_spec. */
enum log_level haproxy_judge_line(const char *line);

/*
 * The certificate that HAProxy did not start with by its latest words, as served_pair_file_name()
 * names it; false: it named none.  It names the first that it comes to, by the file's name in the
 * list of certificates:
 *
 *   [ALERT]    (7) : config : ... unable to load certificate from file 'certs/x.example.com.pem'.
 */
bool haproxy_refused(const char *words, char file[SERVED_PAIR_NAME_MAX]);

#endif
