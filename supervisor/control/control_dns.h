/* The part of the control socket (see control.h) that runs ingress-dns for the user. */
#ifndef SUPERVISOR_CONTROL_CONTROL_DNS_H
#define SUPERVISOR_CONTROL_CONTROL_DNS_H

#include "supervisor/control/dns_job.h"

#include <event2/http.h>

void control_dns_add_paths(struct evhttp *http, struct dns_job *job);

#endif
