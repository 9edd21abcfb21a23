/* Records that are the operator's to make: how he is told of them, and who is asked for them. */
#include "common/settings/checks.h"

#include <stdlib.h>
#include <string.h>

const char *settings_check_setup_mode(struct loading *in, const struct setting *row,
				      const char *value)
{
	const char *word = settings_check_word(in, row, value);

	if (word != NULL)
		in->settings->dns_setup_mode = strcmp(word, "print") == 0     ? SETUP_PRINT
					       : strcmp(word, "webhook") == 0 ? SETUP_WEBHOOK
									      : SETUP_WAIT;
	return word;
}

static bool keep_resolver(struct loading *in, const char *url)
{
	struct settings *settings = in->settings;
	const char **grown = settings_grow(in, settings->doh_resolvers,
					   settings->doh_resolver_count, sizeof(*grown));

	if (grown == NULL)
		return false;
	settings->doh_resolvers = grown;
	grown[settings->doh_resolver_count++] = url;
	return true;
}

const char *settings_check_doh_resolvers(struct loading *in, const struct setting *row,
					 const char *value)
{
	struct setting_list list = {.at = value};
	char reason[SETTING_URL_REASON_SIZE];
	struct setting_item item;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		const char *url = settings_keep(in, item.text, item.length);
		if (url == NULL)
			return NULL;
		if (!settings_is_url(row, url, reason)) {
			settings_wrong_item(in, row, &item, "%s", reason);
			wrong = true;
		} else if (in->settings->doh_resolver_count == SETTINGS_DOH_MAX) {
			settings_problem(in, "%s has more than %d URLs", row->name,
					 SETTINGS_DOH_MAX);
			return NULL;
		} else if (!keep_resolver(in, url)) {
			return NULL;
		}
	}
	return wrong ? NULL : value;
}

/* ---- what goes together */

void settings_check_setup(struct loading *in)
{
	const struct setting_state *url = settings_state(in->settings, "DNS_WEBHOOK_URL");
	const struct setting_state *token = settings_state(in->settings, "DNS_WEBHOOK_TOKEN");

	if (in->settings->dns_setup_mode != SETUP_WEBHOOK) {
		if (url->given != NULL)
			settings_warn(in, "DNS_WEBHOOK_URL has no effect unless DNS_SETUP_MODE is "
					  "\"webhook\"");
		return;
	}
	if (url->given == NULL)
		settings_problem(in, "DNS_SETUP_MODE is \"webhook\", which needs DNS_WEBHOOK_URL");
	if (token->given == NULL)
		settings_warn(in,
			      "DNS_WEBHOOK_TOKEN is not set: only the quote tells who calls the "
			      "webhook; set it, and have the receiver check the HMAC");
}
