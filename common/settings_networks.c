/* Networks, as CIDR has them. */
#include "common/settings_loading.h"

enum { NETWORKS_MAX = 256 };

static void add_network(struct loading *in, const struct ip_network *network)
{
	struct settings *settings = in->settings;
	struct ip_network *grown = settings_grow(in, settings->backend_networks,
						 settings->backend_network_count, sizeof(*grown));

	if (grown == NULL)
		return;
	settings->backend_networks = grown;
	grown[settings->backend_network_count++] = *network;
}

const char *settings_check_networks(struct loading *in, const struct setting *row,
				    const char *value)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		char reason[IP_REASON_SIZE];
		struct ip_network network;
		if (item.number > NETWORKS_MAX) {
			settings_problem(in, "%s has more than %d networks", row->name,
					 NETWORKS_MAX);
			return NULL;
		}
		if (ip_network_parse(item.text, item.length, &network, reason)) {
			add_network(in, &network);
			continue;
		}
		settings_wrong_item(in, row, &item,
				    "must be an address or a network such as 10.0.0.0/8 or "
				    "fd00::/8; %s",
				    reason);
		wrong = true;
	}
	return wrong ? NULL : value;
}
