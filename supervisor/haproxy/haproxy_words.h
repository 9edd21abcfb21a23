/* What HAProxy says on its standard error: how serious a line is, and which certificates it names
 * when it does not start with a configuration. */
#ifndef SUPERVISOR_HAPROXY_HAPROXY_WORDS_H
#define SUPERVISOR_HAPROXY_HAPROXY_WORDS_H

#include "common/log.h"
#include "supervisor/store/served_pair.h"

#include <stdbool.h>

/* For process.h. */
enum log_level haproxy_judge_line(const char *line);

/*
 * The next certificate that lines of HAProxy's name in an alert, as served_pair_file_name() names
 * it; `words` goes behind that line.  One of them would keep all the others from being served.  The
 * file is named as the list of certificates does it:
 *
 *   [ALERT]    (7) : config : parsing [haproxy.cfg:85] : ... 'crt-list' : error processing line 2
 * in file 'crt-list.txt' : unable to load SSL certificate into SSL Context
 * 'certs/x.example.com.pem'.
 */
bool haproxy_refused_next(const char **words, char file[SERVED_PAIR_NAME_MAX]);

#endif
