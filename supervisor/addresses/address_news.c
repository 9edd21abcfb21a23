#include "supervisor/addresses/address_news.h"

#include "common/log.h"

static void tell_refusal(const struct backend_address *entry)
{
	char address[IP_TEXT_SIZE], kept[IP_TEXT_SIZE] = "";

	ip_text(&entry->refused, address);
	if (entry->known)
		ip_text(&entry->address, kept);
	log_warn("backend %s: DNS says %s, which is not believed: it is neither loopback, nor in a "
		 "network of this container, nor in BACKEND_NETWORKS (add it there if it is "
		 "right); %s%s",
		 entry->name, address, entry->known ? "it stays at " : "it has no address", kept);
}

static void tell_change(const struct backend_address *entry)
{
	char address[IP_TEXT_SIZE];

	if (!entry->known) {
		log_warn("backend %s: DNS has been saying for %d s that there is no such name, or "
			 "no address for it; its clients are refused until there is one",
			 entry->name, ADDRESS_GONE_SECONDS);
		return;
	}
	ip_text(&entry->address, address);
	log_info("backend %s is at %s", entry->name, address);
}

bool address_news_take(struct backend_addresses *table, const char *line,
		       const struct allowed_networks *allowed)
{
	struct dns_answer answer;

	if (!dns_answer_parse(line, &answer)) {
		log_warn("ingress-resolve wrote a line that is no answer: \"%.100s\"", line);
		return false;
	}
	unsigned decisions = backend_addresses_take(table, &answer, allowed, time(NULL));
	if ((decisions & ADDRESS_REFUSAL) != 0)
		tell_refusal(backend_addresses_find(table, answer.name));
	if ((decisions & ADDRESS_CHANGED) != 0)
		tell_change(backend_addresses_find(table, answer.name));
	return (decisions & ADDRESS_CHANGED) != 0;
}
