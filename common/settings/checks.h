/* What judges a value alone (see setting_check), and the pieces of it.  Private to
 * common/settings/. */
#ifndef COMMON_SETTINGS_CHECKS_H
#define COMMON_SETTINGS_CHECKS_H

#include "common/settings/loading.h"

/* ---- check_value.c */

setting_check settings_check_boolean, settings_check_integer, settings_check_port,
    settings_check_time, settings_check_time_or_0, settings_check_word, settings_check_text,
    settings_check_key_algorithm, settings_check_printable, settings_check_base64,
    settings_check_base64url;

/* Reports `value` if this version refuses it (the row's not_yet). */
bool settings_refuse_not_yet(struct loading *in, const struct setting *row, const char *value);

/* Whether `word` is one of the words of `list`, which are separated by spaces. */
bool settings_has_word(const char *list, const char *word);

/* "true" or "false", or NULL when `value` is no boolean. */
const char *settings_boolean_word(const char *value);

/* Letters, digits and `punctuation`, nothing else. */
bool settings_consists_of(const char *text, size_t length, const char *punctuation);

/* ---- check_name.c */

setting_check settings_check_email, settings_check_txt_prefix, settings_check_alpn,
    settings_check_path, settings_check_program, settings_check_ca_bundle;

/* ---- address.c */

setting_check settings_check_host, settings_check_gateway, settings_check_zone, settings_check_ipv4,
    settings_check_server, settings_check_resolvers, settings_check_url,
    settings_check_metadata_url, settings_check_networks;

enum { SETTING_URL_REASON_SIZE = SETTING_REASON_SIZE + 64 };

/* As settings_check_url() judges; otherwise false and a sentence part in `reason`. */
bool settings_is_url(const struct setting *row, const char *value,
		     char reason[SETTING_URL_REASON_SIZE]);

/* host:port with optional scheme and path, which are dropped; port 80 when absent. */
bool settings_parse_target(const char *text, size_t length, struct endpoint *out,
			   char reason[SETTING_REASON_SIZE]);

/* ---- domains.c */

setting_check settings_check_domain, settings_check_domains, settings_check_alias_domain,
    settings_check_server_first, settings_check_evidence_routing, settings_check_adopted_keys,
    settings_check_order_limits, settings_check_send_proxy, settings_check_challenge_targets,
    settings_check_propagation;

struct setting_list {
	const char *at;
	size_t count;
	size_t line_ends; /* before `at` */
};

/* The next entry of a list that is separated by commas and line ends.  Spaces around an
 * entry, empty entries, and comments (from a '#' that begins an entry or follows a space,
 * to the end of the line) are skipped.  False at the end. */
bool settings_next_item(struct setting_list *list, struct setting_item *item);

/* A domain that can be served; otherwise false and a sentence part in `reason`. */
bool settings_parse_domain(const char *text, size_t length, domain_name out,
			   char reason[SETTING_REASON_SIZE]);

/* ---- setup.c */

setting_check settings_check_setup_mode, settings_check_doh_resolvers;

/* ---- routes.c */

setting_check settings_check_target, settings_check_routes;

#endif
