#include "dns-hooks/preflight.h"

#include "common/log.h"
#include "common/say.h"
#include "dns-hooks/apply_result.h"
#include "dns-hooks/caa/caa_search.h"
#include "dns-hooks/challenge/challenge_place.h"
#include "dns-hooks/challenge/challenge_value.h"
#include "dns-hooks/operator/operator_check.h"
#include "dns-hooks/pin_check.h"
#include "dns-hooks/plan/record_places.h"
#include "dns-hooks/providers/provider_table.h"
#include "dns-hooks/records/caa.h"
#include "dns-hooks/resolve/caution.h"
#include "dns-hooks/resolve/dnssec_check.h"
#include "dns-hooks/resolve/propagation.h"
#include "dns-hooks/resolve/zone_check.h"

#include <stdio.h>
#include <string.h>

/* The value tells whoever finds it what it is.  It is always the same, so that a value which a
 * crash has left behind is removed by the next attempt. */
static const char TRIAL_VALUE[] = "dstack-ingress-can-write-here";

struct preflight {
	const struct settings *settings;
	const char *account_uri;
	bool has_results; /* somebody reads what is told of each domain */
	struct provider provider;
	struct journal journal;
	struct dns_view view;
	struct authority authority; /* of the latest challenge's zone */
	struct error note; /* what stops no order of the latest domain, and ought to be set right */
};

/* ---- the checks of one domain */

/* Whether the CNAME of the operator's that leads to the challenge is there.  Where nobody can be
 * asked from here the CA may see it all the same. */
static int check_delegation(struct preflight *preflight, const char *domain, struct error *doubt,
			    struct error *err)
{
	AUTO_OPERATOR struct operator_list list = {0};
	struct delegation_cname cname;
	struct error why = ERROR_INIT;
	int is_delegated = delegation_challenge_cname(preflight->settings, domain, &cname, err);

	if (is_delegated <= 0)
		return is_delegated;
	if (operator_list_add(&list, cname.name, RECORD_CNAME, cname.target, true, cname.note,
			      err) != 0)
		return -1;
	switch (operator_check(&preflight->view, &list.items[0], &why)) {
	case OPERATOR_MET:
		return 0;
	case OPERATOR_UNKNOWN:
		*doubt = why;
		error_wrap(doubt, "cannot tell whether %s is a CNAME to %s", cname.name,
			   cname.target);
		return 0;
	default:
		return error_set(err, why.code, "%s. CNAME %s. is missing in DNS (%s)", cname.name,
				 cname.target, why.text);
	}
}

/* Where the challenge has to stand, and that it can be seen there. */
static int check_place(struct preflight *preflight, const char *domain, struct challenge_note *note,
		       struct zone *zone, struct error *doubt, struct error *err)
{
	struct authority *authority = &preflight->authority;

	if (check_delegation(preflight, domain, doubt, err) != 0 ||
	    challenge_place_find(&preflight->view, preflight->settings, &preflight->provider,
				 domain, note->name, authority, err) != 0 ||
	    provider_zone(&preflight->provider, note->name, authority->zone, zone, err) != 0 ||
	    zone_check(note->name, zone->name, authority->zone, err) != 0 ||
	    propagation_ready(authority, note->name, &preflight->note, err) != 0)
		return -1;
	return dnssec_check(&preflight->view, authority, &preflight->note, err);
}

static int try_to_write(struct preflight *preflight, struct challenge_note *note,
			const struct zone *zone, struct error *err)
{
	const struct provider *provider = &preflight->provider;
	const struct journal *journal = &preflight->journal;
	struct error second = ERROR_INIT;
	unsigned settle = 0;

	if (provider->class->list == NULL ||
	    journal_was_written(journal, provider->class->name, zone->name))
		return 0;
	snprintf(note->value, sizeof(note->value), "%s", TRIAL_VALUE);
	snprintf(note->zone, sizeof(note->zone), "%s", zone->name);
	snprintf(note->provider, sizeof(note->provider), "%s", provider->class->name);
	note->ttl = provider->class->challenge_ttl;
	int added = challenge_put_in(provider, journal, note, zone, &settle, err);
	if (added < 0)
		return -1;
	if (challenge_take_out(provider, journal, note, false, &second) == 0)
		return 0;
	if (added == 0) { /* a crash has left it: nothing was written by now */
		*err = second;
		return error_wrap(err, "%s: a trial value that is there cannot be removed",
				  note->name);
	}
	log_warn("%s: the trial value could not be removed and stays for now: %s", note->name,
		 second.text);
	return 0;
}

static bool is_for_now(const struct error *err)
{
	return err->code == EXIT_TRY_LATER || err->code == EXIT_UNREACHABLE;
}

/* What cannot be told from here stops no order.  A `failure` (NULL: there is none) may have the
 * same cause, DNS that cannot be asked, and tells of it; ingressd has it in the domain's note. */
static void tell_doubt(struct preflight *preflight, const struct error *doubt,
		       const struct error *failure)
{
	if (doubt->text[0] == '\0')
		return;
	if (failure != NULL && is_for_now(failure)) {
		log_debug("%s", doubt->text);
	} else if (preflight->has_results) {
		log_info("%s", doubt->text);
		caution_keep(&preflight->note, doubt->text);
	} else {
		log_warn("%s", doubt->text);
	}
}

/* What is wrong at a challenge's name, with the reason why it is that one. */
static void tell_place(const char *domain, const char *name, const struct error *wrong,
		       struct error *err)
{
	domain_name plain;

	*err = *wrong;
	if (name[0] != '\0' && domain_challenge_name(domain, plain) == 0 &&
	    strcmp(name, plain) != 0)
		error_wrap(err, "%s leads to %s by CNAME", plain, name);
	if (is_for_now(err))
		error_wrap(err, "no order for %s is made now", domain);
	else
		error_wrap(err, "an order for %s cannot succeed", domain);
}

/* Puts `also` behind what is there. */
static void add_error(struct error *err, bool is_first, const struct error *also)
{
	if (is_first)
		*err = *also;
	else
		error_set(err, err->code, "%s; and %s", err->text, also->text);
}

/* That the CA may issue does not mean that no other one may. */
static void tell_pin(struct preflight *preflight, const char *domain)
{
	struct error why = ERROR_INIT;

	if (preflight->settings->set_caa && preflight->account_uri != NULL &&
	    pin_check(&preflight->view, domain, preflight->account_uri, &why) == PIN_BROKEN)
		caution(&preflight->note, "%s", why.text);
}

/* Both failures are told, so that nobody has to mend the first one to learn of the second. */
static int check_domain(struct preflight *preflight, const char *domain, struct error *err)
{
	struct challenge_note note = {0};
	struct zone zone = {0};
	struct error here = ERROR_INIT, caa = ERROR_INIT;
	struct error no_cname = ERROR_INIT, no_caa = ERROR_INIT; /* what cannot be told */

	log_about(domain);
	preflight->note = (struct error)ERROR_INIT;
	memcpy(note.domain, domain_base(domain), strlen(domain_base(domain)) + 1);
	bool has_place = check_place(preflight, domain, &note, &zone, &no_cname, &here) == 0;
	bool is_permitted = caa_search(&preflight->view, preflight->settings, domain,
				       preflight->account_uri, &no_caa, &caa) == 0;
	tell_doubt(preflight, &no_cname, has_place ? NULL : &here);
	tell_doubt(preflight, &no_caa, has_place ? NULL : &here);
	/* The zone is not written to for an order that will not be made. */
	if (has_place && is_permitted)
		has_place = try_to_write(preflight, &note, &zone, &here) == 0;
	if (!has_place)
		tell_place(domain, note.name, &here, err);
	if (!is_permitted)
		add_error(err, has_place, &caa);
	if (!has_place || !is_permitted)
		return -1;
	tell_pin(preflight, domain);
	say(stdout,
	    "%s: nothing stands in the way of an order (challenges at %s, zone %s, %zu server "
	    "address%s)",
	    domain, note.name, zone.name, preflight->authority.count,
	    preflight->authority.count == 1 ? "" : "es");
	return 0;
}

/* ---- all domains */

static int tell_result(const struct preflight *preflight, int fd, const char *domain,
		       const struct error *failure, struct error *err)
{
	bool has_note = failure == NULL && preflight->note.text[0] != '\0';

	return fd == 0 ? 0
		       : apply_result_write(fd, domain, failure, has_note ? &preflight->note : NULL,
					    failure == NULL, NULL, err);
}

static int check_domains(struct preflight *preflight, const struct preflight_request *request,
			 struct error *err)
{
	const struct settings *settings = preflight->settings;
	size_t count = request->domain_count == 0 ? settings->domain_count : request->domain_count;
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		const char *domain =
		    request->domain_count == 0 ? settings->domains[i] : request->domains[i];
		struct error own = ERROR_INIT;
		bool is_good = check_domain(preflight, domain, &own) == 0;
		if (tell_result(preflight, request->results_fd, domain, is_good ? NULL : &own,
				err) != 0)
			return -1;
		if (is_good)
			continue;
		if (count > 1)
			say(stdout, "%s: %s", domain, own.text);
		failed++;
		*err = own;
	}
	if (failed == 0)
		return 0;
	return count == 1
		   ? -1
		   : error_wrap(err, "orders for %zu of %zu domains would fail, the last one",
				failed, count);
}

int preflight_run(const struct settings *settings, const struct preflight_request *request,
		  struct error *err)
{
	static struct preflight preflight; /* too large for the stack */
	int result = -1;

	preflight = (struct preflight){.settings = settings,
				       .account_uri = request->account_uri,
				       .has_results = request->results_fd > 0};
	if ((request->account_uri == NULL ||
	     caa_check_account_uri(request->account_uri, err) == 0) &&
	    provider_open(&preflight.provider, settings, err) == 0 &&
	    journal_open(&preflight.journal, settings->letsencrypt_dir, err) == 0 &&
	    dns_view_init(&preflight.view, settings, err) == 0)
		result = check_domains(&preflight, request, err);
	provider_close(&preflight.provider);
	journal_close(&preflight.journal);
	return result;
}
