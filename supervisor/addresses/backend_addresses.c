#include "supervisor/addresses/backend_addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(address_list, backend_address);

struct backend_addresses {
	struct backend_address *entries; /* sorted by name */
	size_t count;
	size_t unanswered;
	unsigned long changes;
	struct address_list by_change; /* those that have one, oldest first */
};

static int compare(const void *a, const void *b)
{
	const struct backend_address *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static bool is_name(const struct endpoint *target)
{
	struct ip_address ignored;

	return !target->is_ipv6 && !ip_parse(target->host, &ignored);
}

static void drop_duplicates(struct backend_addresses *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++)
		if (i == 0 || compare(&table->entries[kept - 1], &table->entries[i]) != 0)
			table->entries[kept++] = table->entries[i];
	table->count = kept;
}

struct backend_addresses *backend_addresses_new(const struct settings *settings, struct error *err)
{
	struct backend_addresses *table = calloc(1, sizeof(*table));

	if (table == NULL)
		goto fail;
	TAILQ_INIT(&table->by_change);
	table->entries = calloc(settings->route_count + 1, sizeof(*table->entries));
	if (table->entries == NULL)
		goto fail;
	for (size_t i = 0; i < settings->route_count; i++)
		if (is_name(&settings->routes[i].target))
			table->entries[table->count++].name = settings->routes[i].target.host;
	qsort(table->entries, table->count, sizeof(*table->entries), compare);
	drop_duplicates(table);
	table->unanswered = table->count;
	return table;
fail:
	backend_addresses_free(table);
	error_no_memory(err);
	return NULL;
}

void backend_addresses_free(struct backend_addresses *table)
{
	if (table == NULL)
		return;
	free(table->entries);
	free(table);
}

size_t backend_addresses_count(const struct backend_addresses *table)
{
	return table->count;
}

const struct backend_address *backend_addresses_at(const struct backend_addresses *table, size_t i)
{
	return &table->entries[i];
}

static struct backend_address *find(const struct backend_addresses *table, const char *name)
{
	const struct backend_address wanted = {.name = name};

	return bsearch(&wanted, table->entries, table->count, sizeof(wanted), compare);
}

const struct backend_address *backend_addresses_find(const struct backend_addresses *table,
						     const char *name)
{
	return find(table, name);
}

size_t backend_addresses_unanswered(const struct backend_addresses *table)
{
	return table->unanswered;
}

/* ---- decisions */

static unsigned count_change(struct backend_addresses *table, struct backend_address *entry)
{
	if (entry->change != 0)
		TAILQ_REMOVE(&table->by_change, entry, by_change);
	TAILQ_INSERT_TAIL(&table->by_change, entry, by_change);
	entry->change = ++table->changes;
	return ADDRESS_CHANGED;
}

static unsigned deny(struct backend_addresses *table, struct backend_address *entry, time_t now)
{
	if (entry->denials++ == 0)
		entry->denied_since = now;
	if (!entry->known || entry->denials < ADDRESS_GONE_MIN ||
	    now - entry->denied_since < ADDRESS_GONE_SECONDS)
		return 0;
	entry->known = false;
	return count_change(table, entry);
}

/* A refused address is logged once, and no more than one a minute: a host that answers with
 * another wrong address every time must not fill the log. */
static unsigned refuse(struct backend_address *entry, const struct ip_address *address, time_t now)
{
	entry->answer = ANSWER_REFUSED;
	entry->refused = *address;
	if (entry->refusal_told != 0 && (ip_equal(&entry->refusal, address) ||
					 now - entry->refusal_told < ADDRESS_REFUSAL_PAUSE))
		return 0;
	entry->refusal = *address;
	entry->refusal_told = now;
	return ADDRESS_REFUSAL;
}

static unsigned take_addresses(struct backend_addresses *table, struct backend_address *entry,
			       const struct dns_answer *answer,
			       const struct allowed_networks *allowed, time_t now)
{
	const struct ip_address *first = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		const struct ip_address *address = &answer->addresses[i];
		if (!networks_allow(allowed, address))
			continue;
		if (entry->known && ip_equal(address, &entry->address))
			first = address;
		if (first == NULL)
			first = address;
	}
	if (first == NULL)
		return refuse(entry, &answer->addresses[0], now);
	entry->answer = ANSWER_GOOD;
	if (entry->known && ip_equal(first, &entry->address))
		return 0;
	entry->known = true;
	entry->address = *first;
	entry->since = now;
	return count_change(table, entry);
}

unsigned backend_addresses_take(struct backend_addresses *table, const struct dns_answer *answer,
				const struct allowed_networks *allowed, time_t now)
{
	struct backend_address *entry = find(table, answer->name);

	if (entry == NULL)
		return 0;
	if (entry->answer == ANSWER_NONE)
		table->unanswered--;
	if (answer->kind == DNS_ANSWER_GONE) {
		entry->answer = ANSWER_GONE;
		return deny(table, entry, now);
	}
	entry->denials = 0;
	if (answer->kind == DNS_ANSWER_ADDRESSES)
		return take_addresses(table, entry, answer, allowed, now);
	entry->answer = ANSWER_FAILED;
	return 0;
}

/* ---- changes */

unsigned long backend_addresses_changes(const struct backend_addresses *table)
{
	return table->changes;
}

const struct backend_address *backend_addresses_after(const struct backend_addresses *table,
						      unsigned long change)
{
	const struct backend_address *entry, *found = NULL;

	TAILQ_FOREACH_REVERSE(entry, &table->by_change, address_list, by_change)
	{
		if (entry->change <= change)
			break;
		found = entry;
	}
	return found;
}

/* ---- the file */

void backend_addresses_save(const struct backend_addresses *table, struct buffer *text)
{
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < table->count; i++) {
		const struct backend_address *entry = &table->entries[i];
		if (!entry->known)
			continue;
		ip_text(&entry->address, address);
		buffer_printf(text, "%s %s %lld\n", entry->name, address, (long long)entry->since);
	}
}

static void load_line(struct backend_addresses *table, const char *line,
		      const struct allowed_networks *allowed)
{
	char name[DOMAIN_MAX + 1], text[IP_TEXT_SIZE];
	struct backend_address *entry;
	struct ip_address address;
	long long since;

	if (sscanf(line, "%253s %45s %lld", name, text, &since) != 3)
		return;
	entry = find(table, name);
	if (entry == NULL || entry->known || !ip_parse(text, &address) ||
	    !networks_allow(allowed, &address))
		return;
	entry->known = true;
	entry->address = address;
	entry->since = (time_t)since;
	count_change(table, entry);
}

void backend_addresses_load(struct backend_addresses *table, const char *text,
			    const struct allowed_networks *allowed)
{
	while (*text != '\0') {
		char line[DOMAIN_MAX + IP_TEXT_SIZE + 32];
		size_t length = strcspn(text, "\n");
		if (length < sizeof(line)) {
			memcpy(line, text, length);
			line[length] = '\0';
			load_line(table, line, allowed);
		}
		text += length + (text[length] == '\n');
	}
}
