#include "supervisor/steps/steps_serve.h"

#include "common/log.h"
#include "common/settings.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/evidence/key_origin.h"
#include "supervisor/evidence/publication.h"
#include "supervisor/haproxy/handshakes.h"
#include "supervisor/haproxy/haproxy.h"
#include "supervisor/steps/clock_check.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

struct steps_serve {
	struct steps_serve_options options;
};

struct steps_serve *steps_serve_new(const struct steps_serve_options *options, struct error *err)
{
	struct steps_serve *serve = calloc(1, sizeof(*serve));

	if (serve == NULL)
		error_no_memory(err);
	else
		serve->options = *options;
	return serve;
}

void steps_serve_free(struct steps_serve *serve)
{
	free(serve);
}

/* ---- CHECK */

static bool is_installed(const struct served_pair *pair, const struct lineage *lineage)
{
	return pair->present && strcmp(pair->serial, lineage->serial) == 0;
}

/* Whether another certificate should stand in for the domain's own, which is not fit or not there:
 * one that is served now is not given up for it. */
static bool has_better_stand_in(const struct steps_serve *serve, const struct domain *d)
{
	const struct served_pair *pair = &serve->options.pairs[domain_index(d)];
	time_t now = time(NULL);
	const struct lineage *lineage =
	    served_pair_holds(pair, now)
		? NULL
		: store_stand_in(serve->options.store, domain_called(d), now);

	return lineage != NULL && now < lineage->not_after && !is_installed(pair, lineage);
}

void steps_serve_check(struct domain *d, void *context)
{
	const struct steps_serve *serve = context;
	const char *volume = serve->options.settings->letsencrypt_dir, *name = domain_called(d);
	const struct lineage *lineage;
	struct error err = ERROR_INIT;
	int rc = store_find(serve->options.store, name, &lineage, &err);
	bool same = false;

	if (rc == 0)
		rc = error_set(&err, EXIT_FAILED, "there is no certificate for exactly %s on %s",
			       name, volume);
	else if (rc > 0)
		rc = served_pair_check(lineage, name, &serve->options.pairs[domain_index(d)],
				       time(NULL), &err);
	if (rc >= 0)
		key_origin_look(serve->options.key_origin, domain_index(d), lineage);
	if (rc == 0)
		same = is_installed(&serve->options.pairs[domain_index(d)], lineage);
	if ((rc == 0 && !same) || has_better_stand_in(serve, d))
		domain_done(d);
	else if (rc != 0)
		domain_failed(d, &err);
	else
		domain_nothing(d);
}

/* ---- INSTALL */

/* 1 installed, 0 the volume has none, -1. */
static int install(const struct steps_serve *serve, size_t domain, struct error *err)
{
	const struct steps_serve_options *o = &serve->options;

	return served_pair_install_from(o->store, o->settings->domains[domain], o->certs_folder,
					time(NULL), &o->pairs[domain], err);
}

static void tell_stand_in(const char *name, const struct served_pair *pair)
{
	if (pair->stand_in[0] != '\0')
		log_info("[%s] served by the certificate of %s until its own is there", name,
			 pair->stand_in);
}

static void judge_times(const struct steps_serve *serve, size_t domain)
{
	const struct steps_serve_options *o = &serve->options;
	const struct served_pair *pair = &o->pairs[domain];
	const char *name = o->settings->domains[domain];
	time_t now = time(NULL);

	clock_check_certificate(o->clock, name, pair->not_before, now);
	if (now >= pair->not_after)
		log_warn("[%s] the certificate has expired by this machine's clock; it is served "
			 "until there is another",
			 name);
	if (schedule_is_too_early(pair->not_before, pair->not_after,
				  o->settings->renew_days_before))
		log_warn("[%s] RENEW_DAYS_BEFORE is %ld days, but the certificate is for %ld days: "
			 "it is renewed later than that",
			 name, o->settings->renew_days_before,
			 (long)((pair->not_after - pair->not_before + DAY / 2) / DAY));
}

void steps_serve_install(struct domain *d, void *context)
{
	struct steps_serve *serve = context;
	size_t index = domain_index(d);
	struct error err = ERROR_INIT;
	int rc = install(serve, index, &err);

	if (rc == 0)
		error_set(&err, EXIT_FAILED, "the certificate of %s is gone from the volume",
			  domain_called(d));
	if (rc <= 0) {
		domain_failed(d, &err);
		return;
	}
	log_debug("[%s] certificate %s installed", domain_called(d),
		  serve->options.pairs[index].serial);
	tell_stand_in(domain_called(d), &serve->options.pairs[index]);
	judge_times(serve, index);
	key_origin_installed(serve->options.key_origin, index);
	domain_done(d);
}

void steps_serve_install_existing(struct steps_serve *serve, size_t domain)
{
	const char *name = serve->options.settings->domains[domain];
	struct error err = ERROR_INIT;
	int rc = install(serve, domain, &err);

	if (rc < 0) {
		log_warn("[%s] %s", name, err.text);
	} else if (rc == 0) {
		log_info("[%s] no certificate on the volume yet", name);
	} else {
		tell_stand_in(name, &serve->options.pairs[domain]);
		judge_times(serve, domain);
	}
}

/* ---- what HAProxy refuses */

/* The domain whose pair is in FILE.pem; the count of them: none. */
static size_t find_domain(const struct settings *settings, const char *file)
{
	char name[SERVED_PAIR_NAME_MAX];
	size_t i = 0;

	for (; i < settings->domain_count; i++) {
		served_pair_file_name(settings->domains[i], name);
		if (strcmp(name, file) == 0)
			break;
	}
	return i;
}

static bool is_same(const struct served_pair *one, const struct served_pair *other)
{
	return strcmp(one->serial, other->serial) == 0 && strcmp(one->spki, other->spki) == 0;
}

static void tell_refused(const char *name, const struct served_pair *refused,
			 const struct served_pair *now)
{
	if (now->present)
		log_error("[%s] HAProxy does not start with certificate %s: %s is served instead",
			  name, refused->serial, now->serial);
	else
		log_error("[%s] HAProxy does not start with certificate %s, and there is no other "
			  "until one has been ordered",
			  name, refused->serial);
}

/* Whether the domain has what HAProxy has now, in `served_folder`, and that is another one. */
static bool take_back(const struct steps_serve *serve, size_t domain, const char *served_folder)
{
	const struct steps_serve_options *o = &serve->options;
	struct error ignored = ERROR_INIT;

	return served_pair_take_back(served_folder, o->settings->domains[domain], o->certs_folder,
				     time(NULL), &o->pairs[domain], &ignored) == 0;
}

/* For one domain that was not given back what HAProxy has now. */
static void install_another(const struct steps_serve *serve, size_t domain)
{
	struct error ignored = ERROR_INIT;

	serve->options.pairs[domain] = (struct served_pair){0};
	install(serve, domain, &ignored);
}

/* From the others for which it stands in as well. */
static void take_from_others(const struct steps_serve *serve, const struct served_pair *refused,
			     const char *served_folder)
{
	const struct settings *settings = serve->options.settings;

	for (size_t i = 0; i < settings->domain_count; i++) {
		struct served_pair *pair = &serve->options.pairs[i];
		if (!pair->present || !is_same(pair, refused))
			continue;
		if (!take_back(serve, i, served_folder) || is_same(pair, refused))
			install_another(serve, i);
		tell_refused(settings->domains[i], refused, pair);
	}
}

bool steps_serve_refused(struct steps_serve *serve, const char *file, const char *served_folder)
{
	const struct steps_serve_options *o = &serve->options;
	size_t domain = find_domain(o->settings, file);
	struct served_pair *pair = &o->pairs[domain];
	struct error ignored = ERROR_INIT;

	if (domain == o->settings->domain_count || !pair->present)
		return false;
	const struct served_pair refused = *pair;
	const char *name = o->settings->domains[domain];
	bool is_back = take_back(serve, domain, served_folder);
	if (is_back && is_same(pair, &refused)) {
		log_error("[%s] the file with certificate %s was damaged: it is written again",
			  name, refused.serial);
		return true;
	}
	store_refuse(o->store, refused.serial, refused.spki);
	if (!is_back)
		install_another(serve, domain);
	tell_refused(name, &refused, pair);
	take_from_others(serve, &refused, served_folder);
	publication_request(o->publication, NULL, NULL, &ignored);
	return true;
}

/* ---- PUBLISH, APPLY and PROBE, shared by all who come to them together */

static void on_outcome(const struct error *err, void *arg)
{
	if (err == NULL)
		domain_done(arg);
	else
		domain_failed(arg, err);
}

void steps_serve_publish(struct domain *d, void *context)
{
	const struct steps_serve *serve = context;
	struct error err = ERROR_INIT;

	if (publication_request(serve->options.publication, on_outcome, d, &err) != 0)
		domain_failed(d, &err);
}

void steps_serve_apply(struct domain *d, void *context)
{
	const struct steps_serve *serve = context;
	struct error err = ERROR_INIT;

	if (haproxy_apply(serve->options.haproxy, on_outcome, d, &err) != 0)
		domain_failed(d, &err);
}

/* Why HAProxy has been given another certificate than the domain's own, or none; 0: it has not. */
static int check_own(const struct steps_serve *serve, const struct domain *d, struct error *err)
{
	const struct served_pair nothing = {0};
	const struct lineage *own;
	struct error ignored = ERROR_INIT;

	if (store_find(serve->options.store, domain_called(d), &own, &ignored) <= 0 ||
	    !own->is_refused)
		return 0;
	return served_pair_check(own, domain_called(d), &nothing, time(NULL), err);
}

void steps_serve_probe(struct domain *d, void *context)
{
	const struct steps_serve *serve = context;
	struct error err = ERROR_INIT;

	if (check_own(serve, d, &err) != 0) {
		domain_refused(d, &err);
		return;
	}
	handshakes_ask(serve->options.handshakes, domain_index(d), on_outcome, d);
}
