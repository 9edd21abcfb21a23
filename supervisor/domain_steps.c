/* The work of a domain's steps: which function does which, and those that take a
 * certificate from the volume to the wire. */
#include "supervisor/domain_work.h"

#include "common/log.h"
#include "supervisor/confined.h"
#include "supervisor/lineage.h"

#include <stdio.h>
#include <string.h>

enum { PROBE_TIMEOUT = 30 };

void domain_done(struct domain *d)
{
	domain_event(d, EVENT_DONE, NULL);
}

void domain_nothing(struct domain *d)
{
	domain_event(d, EVENT_NOTHING, NULL);
}

void domain_failed(struct domain *d, const struct error *err)
{
	domain_event(d, EVENT_FAILED, err);
}

size_t domain_index(const struct domain *d)
{
	return (size_t)(d - d->all->list);
}

int domain_start_job(struct domain *d, const char *const *argv, const char *name, long timeout,
		     enum log_level level, unsigned audience, const char *const *extra,
		     process_done *on_done, struct error *err)
{
	const struct domains_options *o = &d->all->options;
	char **environment = settings_child_environment(o->settings, audience, extra, err);
	const struct process_spec spec = {
	    .name = name,
	    .argv = argv,
	    .envp = (const char *const *)environment,
	    .timeout = timeout,
	    .stdout_level = level,
	    .stderr_level = LOG_DEBUG, /* becomes the error, with its context */
	    .extra_fd = -1,
	    .confinement = audience == FOR_DNS ? confined_dns(o->settings) : &confined_probe,
	    .done = on_done,
	    .arg = d,
	};

	if (environment == NULL)
		return -1;
	struct process *process = process_start(o->processes, &spec, err);
	settings_free_environment(environment);
	return process == NULL ? -1 : 0;
}

/* ---- CHECK and INSTALL */

static void step_check(struct domain *d)
{
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(d->all->options.settings->letsencrypt_dir, d->name, &lineage, &err);
	bool same = false;

	if (rc == 0)
		rc = error_set(&err, EXIT_FAILED, "there is no certificate for exactly %s on %s",
			       d->name, d->all->options.settings->letsencrypt_dir);
	else if (rc > 0)
		rc = served_pair_check(&lineage, d->name, time(NULL), &err);
	if (rc >= 0)
		key_origin_look(d->all->options.key_origin, domain_index(d), &lineage);
	if (rc == 0)
		same =
		    d->pair->present && strcmp(d->pair->serial, lineage.certificate->serial) == 0;
	lineage_clear(&lineage);
	if (rc != 0)
		domain_failed(d, &err);
	else if (same)
		domain_nothing(d);
	else
		domain_done(d);
}

static void step_install(struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(o->settings->letsencrypt_dir, d->name, &lineage, &err);

	if (rc > 0)
		rc = served_pair_install(&lineage, d->name, o->certs_folder, time(NULL), d->pair,
					 &err);
	lineage_clear(&lineage);
	if (rc != 0) {
		domain_failed(d, &err);
		return;
	}
	d->served = false;
	log_info("[%s] certificate %s installed", d->name, d->pair->serial);
	key_origin_installed(o->key_origin, domain_index(d));
	domain_done(d);
}

/* ---- PUBLISH, APPLY, PROBE */

static void on_outcome(const struct error *err, void *arg)
{
	if (err == NULL)
		domain_done(arg);
	else
		domain_failed(arg, err);
}

static void step_publish(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (publication_request(d->all->options.publication, on_outcome, d, &err) != 0)
		domain_failed(d, &err);
}

static void step_apply(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (haproxy_apply(d->all->options.haproxy, on_outcome, d, &err) != 0)
		domain_failed(d, &err);
}

static void on_probed(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	lane_leave(&d->all->probe_lane);
	if (process_check(result, "the certificate is not served", &err) != 0) {
		d->served = false;
		domain_failed(d, &err);
		return;
	}
	if (!d->served)
		log_info("[%s] serves certificate %s", d->name, d->pair->serial);
	d->served = true;
	domain_done(d);
}

static void go_probe(void *arg)
{
	struct domain *d = arg;
	char target[DOMAIN_MAX + CERTIFICATE_SERIAL_MAX + 4], port[8];
	bool proxied = d->all->options.settings->accept_proxy_protocol;
	const char *const argv[] = {d->all->options.ctl_program, "probe", "--port", port, target,
				    proxied ? "--proxy" : NULL,	 NULL};
	struct error err = ERROR_INIT;

	snprintf(port, sizeof(port), "%hu", d->all->options.settings->port);
	snprintf(target, sizeof(target), "%s=%s", d->name, d->pair->serial);
	if (domain_start_job(d, argv, "ingressctl", PROBE_TIMEOUT, LOG_DEBUG, FOR_EVIDENCE, NULL,
			     on_probed, &err) != 0) {
		lane_leave(&d->all->probe_lane);
		domain_failed(d, &err);
	}
}

static void step_probe(struct domain *d)
{
	lane_enter(&d->all->probe_lane, &d->place, go_probe, d);
}

/* ---- dispatch */

static void step_settled(struct domain *d)
{
	(void)d; /* never run: the table rests there */
}

void domain_run_step(struct domain *d)
{
	static void (*const steps[STEP_COUNT])(struct domain *) = {
	    [STEP_SETTLED] = step_settled,
	    [STEP_RECORDS] = domain_step_records,
	    [STEP_ACCOUNT] = domain_step_account,
	    [STEP_CAA] = domain_step_caa,
	    [STEP_PREFLIGHT] = domain_step_preflight,
	    [STEP_ISSUE] = domain_step_issue,
	    [STEP_CHECK] = step_check,
	    [STEP_INSTALL] = step_install,
	    [STEP_PUBLISH] = step_publish,
	    [STEP_APPLY] = step_apply,
	    [STEP_PROBE] = step_probe,
	};

	steps[d->step](d);
}
