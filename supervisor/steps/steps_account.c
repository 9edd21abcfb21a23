#include "supervisor/steps/steps_account.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/certbot/certbot.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/state.h"
#include "supervisor/steps/clock_check.h"
#include "supervisor/steps/lost_volume.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/file_print.h"

#include <stdio.h>
#include <stdlib.h>

enum { URI_MAX = 1024 };

struct steps_account {
	struct steps_account_options options;
	struct lane registrations;
	char uri[URI_MAX]; /* of the account in use; "": not known yet */
	/* For each of settings->domains, which account was in use when it came by: its CAA record
	 * names that one. */
	uint64_t *seen;
	struct lost_volume volume;
};

struct steps_account *steps_account_new(const struct steps_account_options *options,
					struct error *err)
{
	struct steps_account *accounts = calloc(1, sizeof(*accounts));

	if (accounts != NULL)
		accounts->seen = calloc(options->settings->domain_count, sizeof(*accounts->seen));
	if (accounts == NULL || accounts->seen == NULL) {
		steps_account_free(accounts);
		error_no_memory(err);
		return NULL;
	}
	accounts->options = *options;
	accounts->volume =
	    (struct lost_volume){options->settings->letsencrypt_dir, clock_now_ms(), false};
	lane_init(&accounts->registrations, 1);
	return accounts;
}

void steps_account_free(struct steps_account *accounts)
{
	if (accounts == NULL)
		return;
	free(accounts->seen);
	free(accounts);
}

const char *steps_account_uri(const struct steps_account *accounts)
{
	return accounts->uri;
}

void steps_account_app_is_known(struct steps_account *accounts)
{
	accounts->volume.is_known_to_dns = true;
}

/* ---- the step */

/* 1 known, 0 there is none yet, -1. */
static int find_account(struct steps_account *accounts, size_t domain, struct error *err)
{
	const struct acme_account *account;
	int rc = store_account(accounts->options.store, &account, err);

	if (rc > 0) {
		snprintf(accounts->uri, sizeof(accounts->uri), "%s", account->uri);
		accounts->seen[domain] = file_print_of_text(account->uri);
	}
	return rc;
}

static void on_registered(const struct certbot_outcome *outcome, void *arg)
{
	struct steps_account *accounts = domain_context(arg);
	struct error err = ERROR_INIT;
	int rc = 0;

	clock_check_ca(accounts->options.clock, outcome->ca_time, time(NULL));
	if (outcome->error != NULL) {
		err = *outcome->error;
		rc = -1;
	}
	if (rc == 0)
		rc = store_commit_account(accounts->options.store, outcome->config_dir, &err);
	if (rc == 0 && find_account(accounts, domain_index(arg), &err) <= 0)
		rc = error_wrap(&err, "certbot registered an account that cannot be used");
	if (rc == 0)
		log_info("[%s] ACME account %s", domain_called(arg), accounts->uri);
	lane_leave(&accounts->registrations);
	if (rc == 0)
		domain_done(arg);
	else
		domain_failed(arg, &err);
}

static bool has_any_certificate(const struct steps_account *accounts)
{
	const struct settings *settings = accounts->options.settings;
	const struct lineage *lineage;
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < settings->domain_count; i++)
		if (store_find(accounts->options.store, settings->domains[i], &lineage, &ignored) >
			0 ||
		    store_stand_in(accounts->options.store, settings->domains[i], time(NULL)) !=
			NULL)
			return true;
	return false;
}

/* Whether one may be registered; who asks for it by hand knows what he does. */
static int check_volume(const struct steps_account *accounts, const struct domain *d,
			struct error *err)
{
	struct lost_volume volume = accounts->volume;

	if (domain_is_forced(d) || state_was_there(accounts->options.state) ||
	    has_any_certificate(accounts))
		volume.is_known_to_dns = false;
	return lost_volume_check(&volume, clock_now_ms(), err);
}

/* Several domains may have waited for the lane: the first one's account serves all. */
static void go_register(void *arg)
{
	struct steps_account *accounts = domain_context(arg);
	struct error err = ERROR_INIT;
	int found = find_account(accounts, domain_index(arg), &err);

	if (found == 0 && store_has_room_for_account(accounts->options.store, &err) == 0 &&
	    check_volume(accounts, arg, &err) == 0 &&
	    certbot_register(accounts->options.certbot, on_registered, arg, &err) == 0)
		return;
	lane_leave(&accounts->registrations);
	if (found > 0)
		domain_done(arg);
	else
		domain_failed(arg, &err);
}

void steps_account_begin(struct domain *d, void *context)
{
	struct steps_account *accounts = context;
	struct error err = ERROR_INIT;
	int found = find_account(accounts, domain_index(d), &err);

	if (found > 0)
		domain_nothing(d);
	else if (found < 0)
		domain_failed(d, &err);
	else
		domain_enter(d, &accounts->registrations, go_register);
}

/* ---- for orders */

int steps_account_of(const struct steps_account *accounts, const struct domain *d,
		     const struct acme_account **account, struct error *err)
{
	int found = store_account(accounts->options.store, account, err);

	if (found < 0)
		return -1;
	if (found > 0 && accounts->seen[domain_index(d)] == file_print_of_text((*account)->uri))
		return 0;
	return error_set(err, EXIT_TRY_LATER,
			 "the ACME account has changed since the CAA record was made");
}

void steps_account_is_lost(struct steps_account *accounts, const struct domain *d)
{
	const struct acme_account *account;
	struct error err = ERROR_INIT;

	/* Several orders may come back with this; the first one has had it noted. */
	if (steps_account_of(accounts, d, &account, &err) != 0)
		return;
	log_warn("[%s] the CA does not know the ACME account %s any more; another one is used",
		 domain_called(d), account->uri);
	if (store_account_is_lost(accounts->options.store, account->id, &err) != 0)
		log_warn("[%s] %s", domain_called(d), err.text);
}
