/* Shared by the files that do the work of a domain's steps (domain_*.c); nobody else
 * includes this. */
#ifndef SUPERVISOR_DOMAIN_WORK_H
#define SUPERVISOR_DOMAIN_WORK_H

#include "supervisor/domains.h"

/* Each step's work: started here, ended by one of the three below, possibly at once. */
void domain_step_records(struct domain *d);
void domain_step_account(struct domain *d);
void domain_step_caa(struct domain *d);
void domain_step_preflight(struct domain *d);
void domain_step_issue(struct domain *d);

void domain_done(struct domain *d);
void domain_nothing(struct domain *d);
void domain_failed(struct domain *d, const struct error *err);

/* Its place in settings->domains. */
size_t domain_index(const struct domain *d);

/* Whether a certificate is to be ordered: 1, 0, or -1 when the volume cannot be read. */
int domain_is_due(struct domain *d, struct error *err);

/* Some providers allow a few requests a minute. */
enum { DNS_JOB_TIMEOUT = 180 };

/* Starts a program of ours for the domain: ingress-dns with FOR_DNS as `audience`, else the probe.
 * What it prints is logged at `level`, and `audience` and `extra` are as
 * settings_child_environment() has them. */
int domain_start_job(struct domain *d, const char *const *argv, const char *name, long timeout,
		     enum log_level level, unsigned audience, const char *const *extra,
		     process_done *on_done, struct error *err);

#endif
