/* Rules between settings, and which DNS provider is meant. */
#include "common/settings/checks.h"

#include <stdio.h>
#include <string.h>

#define LETS_ENCRYPT_STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"

/* An older name counts as the newer one; both may be there if they agree. */
static void join_alias(struct loading *in, const struct setting *row, struct setting_state *older)
{
	struct setting_state *newer = settings_state(in->settings, row->alias_of);

	if (older->given == NULL || older->wrong || newer->wrong)
		return;
	if (newer->given == NULL) {
		newer->value = older->value;
		newer->source = row->name;
		return;
	}
	if (strcmp(newer->value, older->value) != 0)
		settings_problem(in, "%s and %s are both set, and differ: keep %s", row->alias_of,
				 row->name, row->alias_of);
}

static void join_aliases(struct loading *in)
{
	for (size_t i = 0; i < settings_table_length; i++)
		if (settings_table[i].alias_of != NULL)
			join_alias(in, &settings_table[i], &in->settings->store->states[i]);
}

/* By either name. */
static bool is_server_given(const struct settings *settings)
{
	return settings_state(settings, "ACME_SERVER")->given != NULL ||
	       settings_state(settings, "ACME_DIRECTORY_URL")->given != NULL;
}

static void choose_acme_server(struct loading *in)
{
	const struct setting_state *staging = settings_state(in->settings, "ACME_STAGING");
	struct setting_state *server = settings_state(in->settings, "ACME_SERVER");

	if (staging->wrong || server->wrong || strcmp(staging->value, "true") != 0)
		return;
	if (!is_server_given(in->settings)) {
		in->settings->acme_server = LETS_ENCRYPT_STAGING;
		server->value = LETS_ENCRYPT_STAGING;
		server->source = staging->source;
		if (strcmp(server->source, "environment") == 0)
			server->source = "ACME_STAGING";
	} else if (strcmp(server->value, LETS_ENCRYPT_STAGING) != 0) {
		settings_problem(in,
				 "ACME_STAGING (Let's Encrypt's staging) and %s are both set: keep "
				 "one of them",
				 server->given != NULL ? "ACME_SERVER" : "ACME_DIRECTORY_URL");
	}
}

static void check_account_binding(struct loading *in)
{
	const struct setting_state *id = settings_state(in->settings, "ACME_EAB_KID");
	const struct setting_state *key = settings_state(in->settings, "ACME_EAB_HMAC_KEY");

	if ((id->given == NULL) != (key->given == NULL))
		settings_problem(in,
				 "ACME_EAB_KID and ACME_EAB_HMAC_KEY go together: %s is not set",
				 id->given == NULL ? "ACME_EAB_KID" : "ACME_EAB_HMAC_KEY");
}

static void check_ports(struct loading *in)
{
	const struct settings *settings = in->settings;

	if (settings->evidence_server && settings->port != 0 &&
	    settings->port == settings->evidence_port)
		settings_problem(in,
				 "PORT and EVIDENCE_PORT are both %u: give one of them another "
				 "port",
				 settings->port);
}

/* ---- folders */

static bool is_inside(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Everybody may read what is under EVIDENCE_DIR, and the backends often mount it. */
static void check_folders(struct loading *in)
{
	static const char *const private_folders[] = {"LETSENCRYPT_DIR", "RUN_DIR"};
	const struct setting_state *evidence = settings_state(in->settings, "EVIDENCE_DIR");

	for (size_t i = 0; i < sizeof(private_folders) / sizeof(private_folders[0]); i++) {
		const struct setting_state *folder =
		    settings_state(in->settings, private_folders[i]);
		if (!evidence->wrong && !folder->wrong && is_inside(folder->value, evidence->value))
			settings_problem(in,
					 "%s (%s) is inside EVIDENCE_DIR (%s), which is public: "
					 "move one of them",
					 private_folders[i], folder->value, evidence->value);
	}
}

/* ---- records */

static void check_gateway(struct loading *in)
{
	const struct settings *settings = in->settings;
	const char *gateway = settings->gateway_domain;

	if (gateway == NULL) {
		if (!settings_state(settings, "GATEWAY_DOMAIN")->wrong)
			settings_problem(in,
					 "GATEWAY_DOMAIN is not set: give the name of the dstack "
					 "gateway that the domain points at, such as "
					 "gateway.dstack-prod5.phala.network");
		return;
	}
	for (size_t i = 0; i < settings->domain_count; i++)
		if (strcmp(settings->domains[i], gateway) == 0)
			settings_problem(in,
					 "GATEWAY_DOMAIN is \"%s\", which is also a domain to "
					 "serve: its CNAME would point at itself",
					 gateway);
}

bool settings_delegates(const struct settings *settings, const char *domain)
{
	const char *zone = settings->delegation_zone;

	if (zone == NULL || strcmp(domain, zone) == 0)
		return false;
	size_t length = strlen(domain), zone_length = strlen(zone);
	const char *end = length > zone_length ? domain + length - zone_length : NULL;
	return end == NULL || end[-1] != '.' || strcmp(end, zone) != 0;
}

/* With delegation the names of records are longer by the zone's. */
static void check_length(struct loading *in, const char *domain)
{
	const struct settings *settings = in->settings;
	const char *zone = settings->delegation_zone;
	domain_name txt, challenge;

	if (settings->txt_prefix == NULL ||
	    domain_txt_name(settings->txt_prefix, domain, txt) != 0 ||
	    domain_challenge_name(domain, challenge) != 0)
		return; /* too long by itself: told where it matters */
	size_t own = strlen(txt) > strlen(challenge) ? strlen(txt) : strlen(challenge);
	if (own + 1 + strlen(zone) > DOMAIN_MAX)
		settings_problem(in,
				 "DELEGATION_ZONE is \"%s\": %s with that behind it is longer "
				 "than %d characters; take a zone with a shorter name",
				 zone, strlen(txt) > strlen(challenge) ? txt : challenge,
				 DOMAIN_MAX);
}

static void check_shared_name(struct loading *in)
{
	const struct settings *settings = in->settings;
	const char *name = settings->alias_domain;

	if (name != NULL && settings_delegates(settings, name))
		settings_problem(
		    in,
		    "ALIAS_DOMAIN is \"%s\", whose records cannot be kept in "
		    "DELEGATION_ZONE: where a name that several apps share leads is not "
		    "for one of them to say. Take one of the two out",
		    name);
}

static void check_delegation(struct loading *in)
{
	struct settings *settings = in->settings;
	struct setting_state *caa = settings_state(settings, "SET_CAA");
	const struct setting_state *older = settings_state(settings, "ACME_CHALLENGE_ALIAS");

	if (settings->delegation_zone == NULL)
		return;
	for (size_t i = 0; i < settings->domain_count; i++)
		if (settings_delegates(settings, settings->domains[i]))
			check_length(in, settings->domains[i]);
	check_shared_name(in);
	if (older->given != NULL)
		settings_warn(in,
			      "ACME_CHALLENGE_ALIAS is an older name of DELEGATION_ZONE, by which "
			      "all records are delegated and not the challenge alone: `ingressctl "
			      "dns plan` shows the CNAMEs that are missing");
	if (caa->given != NULL && strcmp(caa->value, "false") == 0)
		settings_warn(in, "SET_CAA is false, but with DELEGATION_ZONE the CAA records in "
				  "that zone are kept all the same: whoever else can write there "
				  "could have certificates otherwise");
	settings->set_caa = true;
	caa->value = "true";
	if (caa->given == NULL)
		caa->source = "DELEGATION_ZONE";
}

void settings_check_names_together(struct loading *in)
{
	join_aliases(in);
	choose_acme_server(in);
	check_gateway(in);
	check_delegation(in);
}

void settings_check_together(struct loading *in)
{
	check_account_binding(in);
	check_ports(in);
	check_folders(in);
}

/* ---- the DNS provider: the one that is named, or the one whose credentials are there */

enum { PROVIDERS_MAX = 16, NAMES_SIZE = 512 };

/* "A, B, C" in `names`. */
static void append_name(char names[NAMES_SIZE], const char *name)
{
	size_t used = strlen(names);

	snprintf(names + used, NAMES_SIZE - used, "%s%s", used == 0 ? "" : ", ", name);
}

static const struct setting *provider_row(void)
{
	const struct setting *row = settings_table;

	while (strcmp(row->name, "DNS_PROVIDER") != 0)
		row++;
	return row;
}

static bool is_given(const struct settings *settings, size_t row)
{
	return settings->store->states[row].given != NULL;
}

/* Whether the row tells that its provider is meant. */
static bool is_telling(const struct setting *row)
{
	return row->provider != NULL && (row->flags & (SETTING_NEEDED | SETTING_TOGETHER)) != 0;
}

/* Names one variable per provider that credentials are there for, and those providers. */
static size_t find_credentials(const struct settings *settings, char seen[NAMES_SIZE],
			       char providers[NAMES_SIZE], const char **provider)
{
	size_t count = 0;

	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if (!is_telling(row) || !is_given(settings, i))
			continue;
		/* The rows of a provider stand together. */
		if (count > 0 && strcmp(*provider, row->provider) == 0)
			continue;
		*provider = row->provider;
		append_name(seen, row->name);
		append_name(providers, row->provider);
		count++;
	}
	return count;
}

/* One variable of each provider that this version can use. */
static void list_wanted(const struct setting *chooser, char wanted[NAMES_SIZE])
{
	const char *provider = "";

	for (size_t i = 0; i < settings_table_length; i++) {
		const struct setting *row = &settings_table[i];
		if (!is_telling(row) || strcmp(provider, row->provider) == 0)
			continue;
		provider = row->provider;
		if (chooser->not_yet == NULL || !settings_has_word(chooser->not_yet, provider))
			append_name(wanted, row->name);
	}
}

static const char *detect(struct loading *in)
{
	struct setting_state *state = settings_state(in->settings, "DNS_PROVIDER");
	char seen[NAMES_SIZE] = "", providers[NAMES_SIZE] = "", wanted[NAMES_SIZE] = "";
	const char *provider = NULL;

	switch (find_credentials(in->settings, seen, providers, &provider)) {
	case 0:
		list_wanted(provider_row(), wanted);
		settings_problem(in,
				 "DNS_PROVIDER is not set, and no credentials tell which it "
				 "is: set one of %s",
				 wanted);
		return NULL;
	case 1:
		state->value = provider;
		state->source = "detected";
		return provider;
	default:
		settings_problem(in,
				 "DNS_PROVIDER is not set, and there are credentials of "
				 "several (%s): set it to one of: %s",
				 seen, providers);
		return NULL;
	}
}

static bool is_of(const struct setting *row, const char *provider, unsigned flag)
{
	return row->provider != NULL && strcmp(row->provider, provider) == 0 &&
	       (row->flags & flag) != 0;
}

/* What the provider needs: those that go together if one of them is given. */
static unsigned needed_flags(const struct settings *settings, const char *provider)
{
	for (size_t i = 0; i < settings_table_length; i++)
		if (is_of(&settings_table[i], provider, SETTING_TOGETHER) && is_given(settings, i))
			return SETTING_NEEDED | SETTING_TOGETHER;
	return SETTING_NEEDED;
}

static void check_needed(struct loading *in, const char *provider)
{
	unsigned flags = needed_flags(in->settings, provider);
	char missing[NAMES_SIZE] = "";

	for (size_t i = 0; i < settings_table_length; i++)
		if (is_of(&settings_table[i], provider, flags) && !is_given(in->settings, i))
			append_name(missing, settings_table[i].name);
	if (missing[0] != '\0')
		settings_problem(in, "DNS_PROVIDER is \"%s\", which needs %s too", provider,
				 missing);
}

void settings_choose_provider(struct loading *in)
{
	const struct setting_state *state = settings_state(in->settings, "DNS_PROVIDER");
	const char *provider = state->given;

	if (state->wrong)
		return;
	if (provider == NULL) {
		provider = detect(in);
		if (provider == NULL || settings_refuse_not_yet(in, provider_row(), provider))
			return;
		settings_set_text(in, provider_row(), provider);
	}
	check_needed(in, provider);
}
