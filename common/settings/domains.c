/* The domains that are served, and lists of some of them. */
#include "common/settings/checks.h"
#include "common/settings/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists, as many settings have them */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_item(const char *start, const char *at)
{
	if (*at == '\0' || *at == '\n' || *at == ',')
		return true;
	return *at == '#' && (at == start || is_blank(at[-1]));
}

static void skip_comment(struct setting_list *list)
{
	if (*list->at == '#')
		list->at += strcspn(list->at, "\n");
}

bool settings_next_item(struct setting_list *list, struct setting_item *item)
{
	for (;;) {
		while (is_blank(*list->at) || *list->at == '\n' || *list->at == ',')
			list->line_ends += *list->at++ == '\n';
		if (*list->at == '\0')
			return false;
		const char *start = list->at;
		while (!ends_item(start, list->at))
			list->at++;
		const char *end = list->at;
		skip_comment(list);
		while (end > start && is_blank(end[-1]))
			end--;
		if (end == start)
			continue;
		*item = (struct setting_item){start, (size_t)(end - start), ++list->count,
					      list->line_ends + 1};
		return true;
	}
}

/* ---- one domain */

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

bool settings_parse_domain(const char *text, size_t length, domain_name out,
			   char reason[SETTING_REASON_SIZE])
{
	if (settings_has_unseen(text, length)) {
		snprintf(reason, SETTING_REASON_SIZE, "it has a character that cannot be seen");
		return false;
	}
	if (!is_ascii(text, length)) {
		snprintf(reason, SETTING_REASON_SIZE,
			 "write an international name in its xn-- form, such as "
			 "xn--mnchen-3ya.example");
		return false;
	}
	enum domain_verdict verdict = domain_parse(text, length, out);
	if (verdict != DOMAIN_VALID)
		snprintf(reason, SETTING_REASON_SIZE, "it %s", domain_verdict_text(verdict));
	return verdict == DOMAIN_VALID;
}

#define DOMAIN_RULE "must be a domain name such as app.example.com or *.example.com; %s"

/* ---- what is served */

static void add_domain(struct loading *in, const domain_name name)
{
	struct settings *settings = in->settings;
	domain_name *grown = settings_grow(in, settings->domains, settings->domain_count,
					   sizeof(*settings->domains));

	if (grown == NULL)
		return;
	settings->domains = grown;
	memcpy(grown[settings->domain_count++], name, sizeof(domain_name));
}

const char *settings_check_domain(struct loading *in, const struct setting *row, const char *value)
{
	char reason[SETTING_REASON_SIZE];
	domain_name name;

	if (value[strcspn(value, ",\n")] != '\0')
		return settings_wrong(in, row, value,
				      "must be one domain name; put several in DOMAINS");
	if (!settings_parse_domain(value, strlen(value), name, reason))
		return settings_wrong(in, row, value, DOMAIN_RULE, reason);
	add_domain(in, name);
	return value;
}

const char *settings_check_alias_domain(struct loading *in, const struct setting *row,
					const char *value)
{
	const char *domain = settings_check_domain(in, row, value);

	if (domain == NULL || in->no_memory)
		return NULL;
	/* In the form in which names are compared. */
	domain = in->settings->domains[in->settings->domain_count - 1];
	return settings_set_text(in, row, settings_keep(in, domain, strlen(domain)));
}

const char *settings_check_domains(struct loading *in, const struct setting *row, const char *value)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	char reason[SETTING_REASON_SIZE];
	domain_name name;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		if (item.number > SETTINGS_DOMAINS_MAX) {
			settings_problem(in,
					 "%s has more than %d domains: split them over several "
					 "deployments",
					 row->name, SETTINGS_DOMAINS_MAX);
			return NULL;
		}
		if (settings_parse_domain(item.text, item.length, name, reason)) {
			add_domain(in, name);
		} else {
			settings_wrong_item(in, row, &item, DOMAIN_RULE, reason);
			wrong = true;
		}
	}
	return wrong ? NULL : value;
}

/* Drops all but the first of each name. */
static void drop_duplicates(struct loading *in)
{
	struct settings *settings = in->settings;
	struct name_index index;
	size_t kept = 0;

	if (name_index_init(&index, settings->domain_count) != 0)
		in->no_memory = true;
	for (size_t i = 0; i < settings->domain_count && !in->no_memory; i++) {
		if (name_index_find(&index, settings->domains[i]) != NAME_ABSENT) {
			settings_warn(in,
				      "DOMAIN and DOMAINS name \"%s\" more than once: once is "
				      "enough",
				      settings->domains[i]);
			continue;
		}
		if (kept != i)
			memcpy(settings->domains[kept], settings->domains[i], sizeof(domain_name));
		name_index_add(&index, settings->domains[kept], kept);
		kept++;
	}
	settings->domain_count = kept;
	name_index_free(&index);
}

/* The records that the domains get must have names of a legal length. */
static void check_record_names(struct loading *in)
{
	const struct settings *settings = in->settings;
	domain_name record;

	for (size_t i = 0; i < settings->domain_count && settings->txt_prefix != NULL; i++)
		if (domain_txt_name(settings->txt_prefix, settings->domains[i], record) != 0 ||
		    domain_challenge_name(settings->domains[i], record) != 0)
			settings_problem(in,
					 "\"%s\" is too long: the names of its DNS records "
					 "(TXT_PREFIX or _acme-challenge in front) would exceed %d "
					 "characters",
					 settings->domains[i], DOMAIN_MAX);
}

void settings_finish_domains(struct loading *in)
{
	const struct settings *settings = in->settings;

	if (settings->domain_count > SETTINGS_DOMAINS_MAX)
		settings_problem(in, "DOMAIN and DOMAINS have more than %d domains together",
				 SETTINGS_DOMAINS_MAX);
	if (settings->domain_count == 0 && !settings_state(settings, "DOMAIN")->wrong &&
	    !settings_state(settings, "DOMAINS")->wrong)
		settings_problem(in, "DOMAIN is not set: give the domain to serve, or several in "
				     "DOMAINS");
	drop_duplicates(in);
	check_record_names(in);
}

/* ---- all, none, or a list of domains */

static bool add_names(struct loading *in, const struct setting *row, const char *value,
		      struct name_choice *choice)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	char reason[SETTING_REASON_SIZE];
	domain_name name;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		if (choice->count == SETTINGS_DOMAINS_MAX) {
			settings_problem(in, "%s has more than %d domains", row->name,
					 SETTINGS_DOMAINS_MAX);
			return false;
		}
		if (!settings_parse_domain(item.text, item.length, name, reason)) {
			settings_wrong_item(in, row, &item,
					    "must be true, false, or domain names; %s", reason);
			wrong = true;
			continue;
		}
		domain_name *grown =
		    settings_grow(in, choice->names, choice->count, sizeof(*choice->names));
		if (grown == NULL)
			return false;
		choice->names = grown;
		memcpy(grown[choice->count++], name, sizeof(name));
	}
	return !wrong;
}

static const char *check_choice(struct loading *in, const struct setting *row, const char *value,
				struct name_choice *choice)
{
	const char *word = settings_boolean_word(value);

	if (word != NULL) {
		choice->scope = *word == 't' ? CHOICE_ALL : CHOICE_NONE;
		return word;
	}
	if (!add_names(in, row, value, choice))
		return NULL;
	choice->scope = choice->count == 0 ? CHOICE_NONE : CHOICE_LISTED;
	return value;
}

const char *settings_check_server_first(struct loading *in, const struct setting *row,
					const char *value)
{
	return check_choice(in, row, value, &in->settings->server_first);
}

const char *settings_check_send_proxy(struct loading *in, const struct setting *row,
				      const char *value)
{
	return check_choice(in, row, value, &in->settings->send_proxy_protocol);
}

const char *settings_check_evidence_routing(struct loading *in, const struct setting *row,
					    const char *value)
{
	const char *word = settings_check_word(in, row, value);

	if (word != NULL)
		in->settings->evidence_routing =
		    strcmp(word, "request") == 0 ? ROUTE_BY_REQUEST : ROUTE_BY_CONNECTION;
	return word;
}

const char *settings_check_adopted_keys(struct loading *in, const struct setting *row,
					const char *value)
{
	const char *word = settings_check_word(in, row, value);

	if (word != NULL)
		in->settings->adopted_keys =
		    strcmp(word, "renew") == 0 ? ADOPTED_RENEW : ADOPTED_SERVE;
	return word;
}

const char *settings_check_order_limits(struct loading *in, const struct setting *row,
					const char *value)
{
	const char *word = settings_check_word(in, row, value);

	if (word != NULL)
		in->settings->has_order_limits = strcmp(word, "none") != 0;
	return word;
}

const char *settings_check_propagation(struct loading *in, const struct setting *row,
				       const char *value)
{
	const char *word = settings_check_word(in, row, value);

	if (word != NULL)
		in->settings->propagation_check = strcmp(word, "off") == 0 ? PROPAGATION_OFF
						  : strcmp(word, "resolvers") == 0
						      ? PROPAGATION_RESOLVERS
						      : PROPAGATION_AUTHORITATIVE;
	return word;
}

/* ---- where challenges may be led to */

const char *settings_check_challenge_targets(struct loading *in, const struct setting *row,
					     const char *value)
{
	struct settings *settings = in->settings;
	struct setting_list list = {.at = value};
	struct setting_item item;
	domain_name name;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		enum domain_verdict verdict = domain_parse_host(item.text, item.length, name);
		if (verdict != DOMAIN_VALID || strchr(name, '.') == NULL) {
			settings_wrong_item(in, row, &item,
					    "must be DNS names, each of which stands for all below "
					    "it as well; it %s",
					    verdict != DOMAIN_VALID ? domain_verdict_text(verdict)
								    : "has no dot");
			wrong = true;
			continue;
		}
		if (settings->challenge_target_count == SETTINGS_DOMAINS_MAX) {
			settings_problem(in, "%s has more than %d names", row->name,
					 SETTINGS_DOMAINS_MAX);
			return NULL;
		}
		domain_name *grown =
		    settings_grow(in, settings->challenge_targets, settings->challenge_target_count,
				  sizeof(*settings->challenge_targets));
		if (grown == NULL)
			return NULL;
		settings->challenge_targets = grown;
		memcpy(grown[settings->challenge_target_count++], name, sizeof(name));
	}
	return wrong ? NULL : value;
}
