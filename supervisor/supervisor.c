#include "supervisor/supervisor.h"

#include "common/file.h"
#include "common/log.h"
#include "common/program_paths.h"
#include "supervisor/addresses/resolver.h"
#include "supervisor/certbot/certbot.h"
#include "supervisor/children/confined.h"
#include "supervisor/children/jobs.h"
#include "supervisor/control/control.h"
#include "supervisor/control/dns_job.h"
#include "supervisor/domains/domains.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/domains/unfinished.h"
#include "supervisor/evidence/evidence_server.h"
#include "supervisor/evidence/identity.h"
#include "supervisor/evidence/key_origin.h"
#include "supervisor/evidence/publication.h"
#include "supervisor/haproxy/capacity.h"
#include "supervisor/haproxy/handshakes.h"
#include "supervisor/haproxy/haproxy_facts.h"
#include "supervisor/haproxy/render.h"
#include "supervisor/haproxy/stopping.h"
#include "supervisor/haproxy/traffic.h"
#include "supervisor/haproxy/worker_addresses.h"
#include "supervisor/run_folder.h"
#include "supervisor/steps/start.h"
#include "supervisor/steps/steps.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <signal.h>
#include <stdlib.h>

struct supervisor {
	const struct settings *settings;
	struct event_base *base;
	struct run_folder *folder;
	struct program_paths programs;
	struct haproxy_facts facts;
	struct served_pair *pairs;
	struct process_table *processes;
	struct jobs *jobs;
	struct state *state;
	struct certificate_store *store;
	struct certbot *certbot;
	struct publication *publication;
	struct key_origin *key_origin;
	struct backend_addresses *addresses;
	struct resolver *resolver;
	struct worker_addresses *worker_addresses;
	struct haproxy *haproxy;
	struct traffic *traffic;
	struct evidence_server *evidence_server, *attestation_server;
	struct handshakes *handshakes;
	struct steps *steps;
	struct domains *domains;
	struct identity *identity;
	struct dns_job *dns_job;
	struct status_sources status;
	struct control *control;
	struct start *start;
	struct stopping *stopping;
	struct event *hangup;
};

/* ---- HAProxy's configuration */

static int render(void *arg, const char *folder, struct error *err)
{
	const struct supervisor *s = arg;
	const struct render_input input = {
	    .settings = s->settings,
	    .haproxy = &s->facts,
	    .pairs = s->pairs,
	    .addresses = s->addresses,
	    .certs_folder = run_folder_certs(s->folder),
	    .chroot = run_folder_chroot(s->folder),
	};

	worker_addresses_rendered(s->worker_addresses);
	return render_write(&input, folder, err);
}

static void on_address_change(void *arg)
{
	const struct supervisor *s = arg;

	if (!start_is_reading(s->start))
		worker_addresses_tell(s->worker_addresses);
}

/* It knows what its configuration was written with; since then there may be news. */
static void on_worker(pid_t worker, void *arg)
{
	struct supervisor *s = arg;

	(void)worker;
	start_is_served(s->start);
	on_address_change(s);
	handshakes_look(s->handshakes);
}

static bool on_refused(const char *file, const char *served, void *arg)
{
	struct supervisor *s = arg;

	if (!steps_serve_refused(steps_of_serving(s->steps), file, served))
		return false;
	domains_recheck(s->domains);
	return true;
}

/* ---- signals */

static void describe_unfinished(void *arg, struct buffer *text)
{
	const struct supervisor *s = arg;

	unfinished_describe(s->domains, s->pairs, text);
}

static void on_stopping(void *arg)
{
	struct supervisor *s = arg;

	start_stop(s->start);
	domains_stop(s->domains);
	steps_order_stop(steps_of_order(s->steps));
	jobs_stop(s->jobs);
}

static void on_closing(void *arg)
{
	struct supervisor *s = arg;

	worker_addresses_stop(s->worker_addresses);
}

static void on_stopped(void *arg)
{
	struct supervisor *s = arg;

	evidence_server_stop(s->evidence_server);
	resolver_stop(s->resolver);
	evidence_server_stop(s->attestation_server);
}

static void on_hangup(evutil_socket_t signal, short what, void *arg)
{
	struct supervisor *s = arg;

	struct error err = ERROR_INIT;

	(void)signal;
	(void)what;
	log_info("looking at the certificates again (SIGHUP)");
	if (store_refresh(s->store, &err) != 0)
		log_warn("%s", err.text);
	domains_recheck(s->domains);
}

static int watch_signals(struct supervisor *s, struct error *err)
{
	signal(SIGPIPE, SIG_IGN);
	s->hangup = evsignal_new(s->base, SIGHUP, on_hangup, s);
	if (s->hangup == NULL || event_add(s->hangup, NULL) != 0)
		return error_no_memory(err);
	s->stopping = stopping_new(&(struct stopping_options){s->base, s->settings, s->haproxy,
							      describe_unfinished, on_stopping,
							      on_closing, on_stopped, s},
				   err);
	return s->stopping == NULL ? -1 : 0;
}

/* ---- the beginning */

/* What must be there before anything runs. */
static int prepare(struct supervisor *s, struct error *err)
{
	if (program_paths_find(&s->programs, err) != 0 ||
	    haproxy_facts_find(s->settings->haproxy, &s->facts, err) != 0 ||
	    capacity_check(s->settings, s->facts.open_files, err) != 0)
		return -1;
	s->folder = run_folder_open(s->settings, err);
	if (s->folder == NULL ||
	    settings_copy_domains(s->settings, run_folder_domains(s->folder), err) != 0)
		return -1;
	s->pairs = calloc(s->settings->domain_count, sizeof(*s->pairs));
	s->base = event_base_new();
	if (s->pairs == NULL || s->base == NULL)
		return error_no_memory(err);
	s->processes = process_table_new(s->base, err);
	s->jobs =
	    s->processes == NULL ? NULL : jobs_new(s->processes, s->settings, &s->programs, err);
	if (s->jobs == NULL)
		return -1;
	s->state = state_open(s->settings->letsencrypt_dir, err);
	s->store = store_open(s->settings->letsencrypt_dir, s->settings->acme_server, err);
	if (s->state == NULL || s->store == NULL)
		return -1;
	return store_keep_in(s->store, run_folder_kept(s->folder), err);
}

static int order_new_key(const char *domain, void *arg, struct error *err)
{
	struct supervisor *s = arg;

	return domains_renew(s->domains, domain, true, err);
}

static bool any_installed(const struct supervisor *s)
{
	for (size_t i = 0; i < s->settings->domain_count; i++)
		if (s->pairs[i].present)
			return true;
	return false;
}

/* The manifest says where the keys come from. */
static void on_origins_told(void *arg)
{
	struct supervisor *s = arg;
	struct error err = ERROR_INIT;

	if (any_installed(s) && publication_request(s->publication, NULL, NULL, &err) != 0)
		log_warn("%s", err.text);
}

static int make_addresses(struct supervisor *s, struct error *err)
{
	s->addresses = backend_addresses_new(s->settings, err);
	if (s->addresses == NULL)
		return -1;
	s->worker_addresses = worker_addresses_new(
	    &(struct worker_addresses_options){s->base, s->settings, s->addresses, s->haproxy},
	    err);
	if (s->worker_addresses == NULL)
		return -1;
	s->resolver = resolver_new(&(struct resolver_options){s->base, s->jobs, s->settings,
							      run_folder_addresses(s->folder),
							      s->addresses, on_address_change, s},
				   err);
	return s->resolver == NULL ? -1 : 0;
}

static time_t renew_at(size_t domain, void *arg)
{
	const struct supervisor *s = arg;
	const struct served_pair *pair = &s->pairs[domain];

	if (!pair->present || pair->stand_in[0] != '\0')
		return 0;
	return schedule_renewal(pair->not_before, pair->not_after, s->settings->renew_days_before);
}

static int make_domains(struct supervisor *s, struct error *err)
{
	const struct settings *settings = s->settings;

	s->handshakes =
	    handshakes_new(&(struct handshakes_options){s->base, s->jobs, settings, s->pairs}, err);
	if (s->handshakes == NULL)
		return -1;
	s->steps = steps_new(&(struct steps_options){s->base, settings, s->jobs, s->state,
						     s->certbot, s->haproxy, s->handshakes,
						     s->publication, s->key_origin, s->store,
						     s->pairs, run_folder_certs(s->folder)},
			     err);
	if (s->steps == NULL)
		return -1;
	s->domains = domains_new(
	    &(struct domains_options){s->base, s->state, (const domain_name *)settings->domains,
				      settings->domain_count, settings->has_order_limits,
				      settings->renew_interval, steps_table(s->steps), renew_at, s},
	    err);
	return s->domains == NULL ? -1 : 0;
}

static int make_parts(struct supervisor *s, struct error *err)
{
	const struct settings *settings = s->settings;
	const char *certs = run_folder_certs(s->folder);

	s->certbot = certbot_new(
	    &(struct certbot_options){s->base, settings, s->processes, s->jobs, s->store}, err);
	if (s->certbot == NULL)
		return -1;
	s->key_origin =
	    key_origin_new(&(struct key_origin_options){s->base, s->jobs, settings, s->pairs,
							order_new_key, on_origins_told, s},
			   err);
	if (s->key_origin == NULL)
		return -1;
	s->publication =
	    publication_new(&(struct publication_options){s->base, s->jobs, settings, s->pairs,
							  certs, s->key_origin, s->store},
			    err);
	if (s->publication == NULL)
		return -1;
	s->haproxy = haproxy_new(&(struct haproxy_options){s->base, s->processes, s->facts.path,
							   settings->run_dir, render, on_worker,
							   on_refused, s},
				 err);
	if (s->haproxy == NULL || make_addresses(s, err) != 0)
		return -1;
	s->traffic = traffic_new(s->base, haproxy_workers(s->haproxy), err);
	return s->traffic == NULL ? -1 : make_domains(s, err);
}

static struct evidence_server *make_server(struct supervisor *s, const char *command,
					   const char *socket, struct error *err)
{
	const struct evidence_server_options options = {
	    .base = s->base,
	    .jobs = s->jobs,
	    .folder = run_folder_chroot(s->folder),
	    .command = command,
	    .socket = socket,
	};

	return evidence_server_new(&options, err);
}

static int make_servers(struct supervisor *s, struct error *err)
{
	s->evidence_server = make_server(s, "serve", "evidence.sock", err);
	s->attestation_server =
	    s->evidence_server == NULL ? NULL : make_server(s, "attest", "attestation.sock", err);
	return s->attestation_server == NULL ? -1 : 0;
}

/* ---- serving, and what comes after it */

/* With what the volume holds. */
static int serve(void *arg, struct error *err)
{
	struct supervisor *s = arg;
	const struct settings *settings = s->settings;

	if (haproxy_start(s->haproxy, err) != 0)
		return -1;
	log_info("dstack-ingress %s serves %zu domain%s on port %hu with HAProxy %s", VERSION,
		 settings->domain_count, settings->domain_count == 1 ? "" : "s", settings->port,
		 s->facts.version);
	if (!any_installed(s))
		start_is_served(s->start); /* nobody waits for HAProxy, but for certificates */
	return 0;
}

/* The guest agent is asked first, and after it DNS and CA. */
static void go_on(void *arg)
{
	struct supervisor *s = arg;

	evidence_server_start(s->evidence_server);
	evidence_server_start(s->attestation_server);
	identity_start(s->identity);
}

/* The guest agent has had its chance to tell the app's id: now DNS and CA. */
static void on_identity_tried(void *arg)
{
	struct supervisor *s = arg;

	steps_order_sweep(steps_of_order(s->steps));
	domains_start(s->domains);
	key_origin_start(s->key_origin);
}

static void on_identity_answered_late(void *arg)
{
	struct supervisor *s = arg;

	domains_retry(s->domains, STEP_RECORDS);
}

static int open_up(struct supervisor *s, struct error *err)
{
	if (make_servers(s, err) != 0)
		return -1;
	s->identity =
	    identity_new(&(struct identity_options){s->base, s->jobs, s->state, on_identity_tried,
						    on_identity_answered_late, s},
			 err);
	if (s->identity == NULL)
		return -1;
	s->start =
	    start_new(&(struct start_options){s->base, steps_of_serving(s->steps), s->resolver,
					      s->settings->domain_count, serve, go_on, s},
		      err);
	if (s->start == NULL || watch_signals(s, err) != 0)
		return -1;
	s->status = (struct status_sources){
	    .settings = s->settings,
	    .state = s->state,
	    .domains = s->domains,
	    .steps = s->steps,
	    .handshakes = s->handshakes,
	    .pairs = s->pairs,
	    .haproxy = s->haproxy,
	    .traffic = s->traffic,
	    .addresses = s->addresses,
	    .publication = s->publication,
	    .evidence_server = s->evidence_server,
	    .identity = s->identity,
	    .key_origin = s->key_origin,
	    .start = s->start,
	    .stopping = s->stopping,
	    .started_at = time(NULL),
	};
	s->dns_job =
	    dns_job_new(&(struct dns_job_options){s->settings, s->jobs, s->state, s->store}, err);
	if (s->dns_job == NULL)
		return -1;
	s->control =
	    control_new(&(struct control_options){s->base, run_folder_control_socket(s->folder),
						  &s->status, s->domains, s->haproxy, s->dns_job},
			err);
	if (s->control == NULL)
		return -1;
	start_begin(s->start);
	return 0;
}

static void take_apart(struct supervisor *s)
{
	control_free(s->control);
	start_free(s->start);
	process_table_free(s->processes); /* first: its children call nobody back any more */
	dns_job_free(s->dns_job);
	identity_free(s->identity);
	domains_free(s->domains);
	steps_free(s->steps);
	handshakes_free(s->handshakes);
	evidence_server_free(s->evidence_server);
	evidence_server_free(s->attestation_server);
	traffic_free(s->traffic);
	resolver_free(s->resolver);
	worker_addresses_free(s->worker_addresses);
	stopping_free(s->stopping);
	haproxy_free(s->haproxy);
	key_origin_free(s->key_origin);
	backend_addresses_free(s->addresses);
	publication_free(s->publication);
	certbot_free(s->certbot);
	jobs_free(s->jobs);
	state_free(s->state);
	store_close(s->store);
	if (s->hangup != NULL)
		event_free(s->hangup);
	if (s->base != NULL)
		event_base_free(s->base);
	run_folder_close(s->folder);
	program_paths_clear(&s->programs);
	haproxy_facts_clear(&s->facts);
	free(s->pairs);
}

int supervisor_run(const struct settings *settings, struct error *err)
{
	struct supervisor s = {.settings = settings};
	int rc = -1;

	confined_report(settings);
	if (prepare(&s, err) != 0 || make_parts(&s, err) != 0 || open_up(&s, err) != 0)
		goto out;
	event_base_dispatch(s.base);
	rc = start_outcome(s.start, err);
	if (rc == 0)
		log_info("stopped");
out:
	take_apart(&s);
	return rc;
}
