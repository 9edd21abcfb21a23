#include "supervisor/steps/steps.h"

#include "supervisor/steps/clock_check.h"
#include "supervisor/steps/steps_dns.h"

#include <stdlib.h>

struct steps {
	struct steps_dns *dns;
	struct steps_account *accounts;
	struct steps_order *order;
	struct steps_serve *serve;
	struct clock_check clock;
	struct step_work table[STEP_COUNT];
};

static void fill_table(struct steps *steps)
{
	const struct step_work table[STEP_COUNT] = {
	    [STEP_RECORDS] = {steps_dns_records, steps->dns},
	    [STEP_ACCOUNT] = {steps_account_begin, steps->accounts},
	    [STEP_CAA] = {steps_dns_caa, steps->dns},
	    [STEP_PREFLIGHT] = {steps_dns_preflight, steps->dns},
	    [STEP_ISSUE] = {steps_order_issue, steps->order},
	    [STEP_CHECK] = {steps_serve_check, steps->serve},
	    [STEP_INSTALL] = {steps_serve_install, steps->serve},
	    [STEP_PUBLISH] = {steps_serve_publish, steps->serve},
	    [STEP_APPLY] = {steps_serve_apply, steps->serve},
	    [STEP_PROBE] = {steps_serve_probe, steps->serve},
	};

	for (int step = 0; step < STEP_COUNT; step++)
		steps->table[step] = table[step];
}

struct steps *steps_new(const struct steps_options *o, struct error *err)
{
	struct steps *steps = calloc(1, sizeof(*steps));

	if (steps == NULL) {
		error_no_memory(err);
		return NULL;
	}
	steps->accounts =
	    steps_account_new(&(struct steps_account_options){o->settings, o->state, o->certbot,
							      o->store, &steps->clock},
			      err);
	if (steps->accounts == NULL)
		goto fail;
	steps->order = steps_order_new(
	    &(struct steps_order_options){o->base, o->settings, o->jobs, o->certbot, o->key_origin,
					  o->store, steps->accounts, &steps->clock, o->pairs},
	    err);
	if (steps->order == NULL)
		goto fail;
	steps->dns =
	    steps_dns_new(&(struct steps_dns_options){o->settings, o->jobs, o->state, o->pairs,
						      steps->accounts, steps->order},
			  err);
	if (steps->dns == NULL)
		goto fail;
	steps->serve =
	    steps_serve_new(&(struct steps_serve_options){o->settings, o->handshakes, o->haproxy,
							  o->publication, o->key_origin, o->store,
							  o->pairs, o->certs_folder, &steps->clock},
			    err);
	if (steps->serve == NULL)
		goto fail;
	fill_table(steps);
	return steps;
fail:
	steps_free(steps);
	return NULL;
}

void steps_free(struct steps *steps)
{
	if (steps == NULL)
		return;
	steps_dns_free(steps->dns);
	steps_order_free(steps->order);
	steps_account_free(steps->accounts);
	steps_serve_free(steps->serve);
	free(steps);
}

const struct step_work *steps_table(const struct steps *steps)
{
	return steps->table;
}

const char *steps_clock_problem(const struct steps *steps)
{
	return clock_check_problem(&steps->clock);
}

const cJSON *steps_missing_records(const struct steps *steps, size_t domain)
{
	return steps_dns_missing(steps->dns, domain);
}

struct steps_account *steps_of_account(const struct steps *steps)
{
	return steps->accounts;
}

struct steps_order *steps_of_order(const struct steps *steps)
{
	return steps->order;
}

struct steps_serve *steps_of_serving(const struct steps *steps)
{
	return steps->serve;
}
