#include "dns-hooks/challenge.h"

#include "common/file.h"
#include "common/log.h"
#include "common/say.h"
#include "dns-hooks/challenge/challenge_place.h"
#include "dns-hooks/challenge/challenge_value.h"
#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/providers/provider_table.h"
#include "dns-hooks/resolve/propagation.h"
#include "dns-hooks/resolve/zone_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* CAs keep answers for a minute or so, whatever TTL they came with; a foreign value with
	 * a TTL of a day is no reason to wait a day. */
	SETTLE_MAX_S = 300,
	/* With PROPAGATION_CHECK=off, when PROPAGATION_TIMEOUT is unset. */
	UNSEEN_WAIT_S = 30,
};

/* What both hooks work with. */
struct challenge {
	const struct settings *settings;
	struct provider provider;
	struct journal journal;
	struct challenge_note note;
};

static int challenge_open(struct challenge *challenge, const struct settings *settings,
			  struct error *err)
{
	*challenge = (struct challenge){.settings = settings};
	if (provider_open(&challenge->provider, settings, err) != 0)
		return -1;
	return journal_open(&challenge->journal, settings->letsencrypt_dir, err);
}

static void challenge_close(struct challenge *challenge)
{
	provider_close(&challenge->provider);
	journal_close(&challenge->journal);
}

/* Whether an order is better tried in doubt than put off, by whoever has it made. */
static bool is_urgent(void)
{
	const char *urgent = getenv("INGRESS_URGENT");

	return urgent != NULL && strcmp(urgent, "1") == 0;
}

/* 0 where `err` is a doubt that an urgent order goes past, else -1. */
static int go_past(const char *name, struct error *err)
{
	if (!is_urgent())
		return -1;
	log_warn("%s: going on all the same, since time runs out: %s", name, err->text);
	*err = (struct error)ERROR_INIT;
	return 0;
}

/* What certbot says in the environment (RFC 8555 section 8.4: base64url without padding). */
static int read_request(struct challenge_note *note, struct error *err)
{
	const char *domain = getenv("CERTBOT_DOMAIN"), *value = getenv("CERTBOT_VALIDATION");
	domain_name name;

	if (domain == NULL || value == NULL)
		return error_set(err, EXIT_USAGE_ERROR,
				 "%s is not set: this command is a hook for `certbot "
				 "--manual-auth-hook` and `--manual-cleanup-hook`",
				 domain == NULL ? "CERTBOT_DOMAIN" : "CERTBOT_VALIDATION");
	enum domain_verdict verdict = domain_parse(domain, strlen(domain), name);
	if (verdict != DOMAIN_VALID)
		return error_set(err, EXIT_USAGE_ERROR, "CERTBOT_DOMAIN is \"%.100s\", which %s",
				 domain, domain_verdict_text(verdict));
	size_t length = strlen(value);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '-' && value[i] != '_')
			length = 0;
	if (length == 0 || length >= CHALLENGE_VALUE_MAX)
		return error_set(err, EXIT_USAGE_ERROR,
				 "CERTBOT_VALIDATION is \"%.100s\": must be 1 to %d characters of "
				 "base64url",
				 value, CHALLENGE_VALUE_MAX - 1);
	snprintf(note->domain, sizeof(note->domain), "%s", domain_base(name));
	memcpy(note->value, value, length + 1);
	log_about(note->domain);
	return 0;
}

/* ---- until all can see it */

static void settle_down(const char *name, unsigned seconds)
{
	if (seconds == 0)
		return;
	if (seconds > SETTLE_MAX_S)
		seconds = SETTLE_MAX_S;
	log_info("%s: every server has the value; waiting %u s more for caches to drop what was "
		 "there before",
		 name, seconds);
	deadline_sleep((long)seconds * 1000, deadline_in((long)seconds * 1000));
}

/* Nobody is asked, but servers need a while all the same, and caches as settle_down() has it. */
static void wait_unseen(const char *name, long seconds, unsigned settle)
{
	long cached = settle < SETTLE_MAX_S ? settle : SETTLE_MAX_S;

	if (cached > seconds)
		seconds = cached;
	log_warn("%s: going on in %ld s without having seen the value anywhere "
		 "(PROPAGATION_CHECK=off; PROPAGATION_TIMEOUT sets the time)",
		 name, seconds);
	deadline_sleep(seconds * 1000, deadline_in(seconds * 1000));
}

static int wait_until_seen(const struct challenge *challenge, const struct authority *authority,
			   unsigned settle, struct error *err)
{
	const struct provider_class *class = challenge->provider.class;
	const struct challenge_note *note = &challenge->note;
	long timeout = challenge->settings->propagation_timeout;
	deadline limit = deadline_in((timeout > 0 ? timeout : class->propagation_timeout) * 1000);

	if (class->wait_done != NULL &&
	    class->wait_done(challenge->provider.state, limit, err) != 0 &&
	    go_past(note->name, err) != 0)
		return error_wrap(err, "%s", note->name);
	if (challenge->settings->propagation_check == PROPAGATION_OFF) {
		wait_unseen(note->name, timeout > 0 ? timeout : UNSEEN_WAIT_S, settle);
		return 0;
	}
	if (propagation_wait(authority, note->name, note->value, limit, err) != 0)
		return go_past(note->name, err);
	settle_down(note->name, settle);
	log_info("%s: the value can be seen everywhere", note->name);
	return 0;
}

static void take_back(const struct challenge *challenge)
{
	struct error err = ERROR_INIT;

	if (challenge_take_out(&challenge->provider, &challenge->journal, &challenge->note, true,
			       &err) != 0)
		log_warn("%s: the value stays noted (`ingress-dns cleanup --all` tries again): %s",
			 challenge->note.name, err.text);
}

/* Where name servers cannot be asked, an urgent order does with what resolvers know. */
static int find_place(struct challenge *challenge, struct authority *authority, struct error *err)
{
	struct challenge_note *note = &challenge->note;
	struct dns_view view;

	if (dns_view_init(&view, challenge->settings, err) != 0)
		return -1;
	if (challenge_place_find(&view, challenge->settings, &challenge->provider, note->domain,
				 note->name, authority, err) == 0)
		return 0;
	if ((err->code != EXIT_UNREACHABLE && err->code != EXIT_TRY_LATER) ||
	    view.check != PROPAGATION_AUTHORITATIVE || go_past(note->domain, err) != 0)
		return -1;
	view.check = PROPAGATION_RESOLVERS;
	return challenge_place_find(&view, challenge->settings, &challenge->provider, note->domain,
				    note->name, authority, err);
}

static int authorise(struct challenge *challenge, struct error *err)
{
	static struct authority authority; /* too large for the stack */
	struct challenge_note *note = &challenge->note;
	const struct provider *provider = &challenge->provider;
	struct zone zone;
	unsigned settle = 0;

	if (find_place(challenge, &authority, err) != 0 ||
	    provider_zone(provider, note->name, authority.zone, &zone, err) != 0 ||
	    zone_check(note->name, zone.name, authority.zone, err) != 0)
		return -1;
	memcpy(note->zone, zone.name, sizeof(note->zone));
	snprintf(note->provider, sizeof(note->provider), "%s", provider->class->name);
	note->ttl = provider->class->challenge_ttl;
	if (challenge_put_in(provider, &challenge->journal, note, &zone, &settle, err) < 0)
		return -1;
	if (wait_until_seen(challenge, &authority, settle, err) == 0)
		return 0;
	take_back(challenge);
	return -1;
}

/* ---- the commands */

int challenge_auth(const struct settings *settings, struct error *err)
{
	struct challenge challenge;
	int result = challenge_open(&challenge, settings, err);

	if (result == 0)
		result = read_request(&challenge.note, err);
	if (result == 0)
		result = authorise(&challenge, err);
	challenge_close(&challenge);
	return result;
}

int challenge_cleanup(const struct settings *settings, struct error *err)
{
	struct challenge challenge;
	struct challenge_note *note = &challenge.note;
	int result = challenge_open(&challenge, settings, err);
	int noted = 0;

	if (result == 0)
		result = read_request(note, err);
	if (result == 0) {
		noted = journal_find(&challenge.journal, note->domain, note->value, note, err);
		result = noted < 0 ? -1 : 0;
	}
	if (noted > 0)
		result =
		    challenge_take_out(&challenge.provider, &challenge.journal, note, true, err);
	else if (result == 0)
		log_info("%s: no challenge value %s is noted: nothing to remove", note->domain,
			 note->value);
	challenge_close(&challenge);
	return result;
}

/* Whose values are meant; without names everybody's. */
struct chosen {
	const char *const *names;
	size_t count;
};

static bool is_chosen(const struct chosen *chosen, const char *domain)
{
	for (size_t i = 0; i < chosen->count; i++)
		if (domain_is_meant(domain, domain_base(chosen->names[i])))
			return true;
	return chosen->count == 0;
}

/* Leaves the chosen ones at the beginning; how many they are. */
static size_t choose(struct challenge_note *notes, size_t count, const struct chosen *chosen)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (is_chosen(chosen, notes[i].domain))
			notes[kept++] = notes[i];
	return kept;
}

static int take_out_noted(const struct challenge *challenge, const struct chosen *chosen,
			  struct error *err)
{
	AUTO_FREE struct challenge_note *notes = NULL;
	size_t count = 0, unreadable = 0, failed = 0;
	enum exit_code code = EXIT_FAILED;

	if (chosen->count == 0 && journal_forget_writes(&challenge->journal, err) != 0)
		log_warn("%s", err->text);
	if (journal_list(&challenge->journal, &notes, &count, &unreadable, err) != 0)
		return -1;
	if (count == 0 && unreadable == 0 && chosen->count == 0)
		puts("No challenge values are noted.");
	count = choose(notes, count, chosen);
	if (chosen->count > 0)
		unreadable = 0; /* nobody knows whose they are */
	for (size_t i = 0; i < count; i++) {
		const struct challenge_note *note = &notes[i];
		log_about(note->domain);
		bool is_out = challenge_take_out(&challenge->provider, &challenge->journal, note,
						 true, err) == 0;
		say(stdout, "%s TXT %s (for %s): %s", note->name, note->value, note->domain,
		    is_out ? "removed" : err->text);
		if (!is_out) {
			failed++;
			code = err->code;
		}
	}
	if (failed + unreadable == 0)
		return 0;
	return error_set(err, code, "%zu of %zu noted challenge values could not be removed",
			 failed + unreadable, count + unreadable);
}

int challenge_cleanup_names(const struct settings *settings, const char *const *names, size_t count,
			    struct error *err)
{
	const struct chosen chosen = {names, count};
	struct challenge challenge;
	int result = challenge_open(&challenge, settings, err);

	if (result == 0)
		result = take_out_noted(&challenge, &chosen, err);
	challenge_close(&challenge);
	return result;
}

int challenge_cleanup_all(const struct settings *settings, struct error *err)
{
	return challenge_cleanup_names(settings, NULL, 0, err);
}
