/* `ingressctl dns plan` and `dns apply`. */
#ifndef SUPERVISOR_CTL_DNS_H
#define SUPERVISOR_CTL_DNS_H

#include "common/error.h"

#include <stddef.h>

/*
 * Has ingressd run it (`path` is CONTROL_PATH_DNS_PLAN or CONTROL_PATH_DNS_APPLY) for `count`
 * domains (0: all), and prints what it says as it comes.  0 when it went well; -1 with err: its
 * exit code, its sentence.
 */
int ctl_dns(const char *socket_path, const char *path, char *const *domains, size_t count,
	    struct error *err);

#endif
