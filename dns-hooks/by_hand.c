#include "dns-hooks/by_hand.h"

#include "common/file.h"
#include "common/say.h"
#include "dns-hooks/challenge/journal.h"
#include "dns-hooks/plan/print.h"
#include "dns-hooks/providers/provider_table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A name as DNS has it: unlike a domain to serve it may have underscores, and be a wildcard. */
static int read_name(const char *text, domain_name name, struct error *err)
{
	bool is_wildcard = strncmp(text, "*.", 2) == 0;
	const char *base = is_wildcard ? text + 2 : text;
	domain_name parsed;
	enum domain_verdict verdict = domain_parse_host(base, strlen(base), parsed);

	if (verdict == DOMAIN_VALID && is_wildcard && strlen(parsed) + 2 > DOMAIN_MAX)
		verdict = DOMAIN_TOO_LONG;
	if (verdict != DOMAIN_VALID)
		return error_set(err, EXIT_USAGE_ERROR, "the name \"%.100s\" %s", text,
				 domain_verdict_text(verdict));
	snprintf(name, sizeof(domain_name), "%s%.*s", is_wildcard ? "*." : "", DOMAIN_MAX, parsed);
	return 0;
}

/* Control characters could not be told from their notation when the value is read back. */
static int check_value(const char *value, struct error *err)
{
	enum { TYPED_VALUE_MAX = 2048 };

	if (strlen(value) > TYPED_VALUE_MAX)
		return error_set(err, EXIT_USAGE_ERROR, "the value is longer than %d bytes",
				 TYPED_VALUE_MAX);
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return error_set(err, EXIT_USAGE_ERROR,
					 "the value has a control character at position %zu",
					 (size_t)(c - value) + 1);
	return 0;
}

static int list_at(const struct provider *provider, const char *name, const char *type,
		   struct error *err)
{
	AUTO_RECORDS struct record_list records = {0};
	struct zone zone;
	size_t shown = 0;

	if (provider->class->list == NULL)
		return error_set(err, EXIT_BAD_CONFIG, "DNS_PROVIDER=%s cannot list records",
				 provider->class->name);
	if (provider_zone(provider, name, name, &zone, err) != 0 ||
	    provider->class->list(provider->state, &zone, name, &records, err) != 0)
		return -1;
	for (size_t i = 0; i < records.count; i++)
		if (type == NULL || strcasecmp(type, record_type_text(&records.items[i])) == 0) {
			print_record(&records.items[i]);
			shown++;
		}
	if (shown == 0)
		say(stdout, "; no %s at %s in the zone %s", type == NULL ? "record" : type, name,
		    zone.name);
	return 0;
}

int by_hand_list(const struct settings *settings, const char *name, const char *type,
		 struct error *err)
{
	struct provider provider = {0};
	domain_name asked;
	int result = read_name(name, asked, err);

	if (result == 0)
		result = provider_open(&provider, settings, err);
	if (result == 0)
		result = list_at(&provider, asked, type, err);
	provider_close(&provider);
	return result;
}

static int write_txt(const struct provider *provider, const struct journal *journal,
		     const struct record *record, bool add, struct error *err)
{
	AUTO_CLOSE int turn = -1;
	struct zone zone;

	if (provider_zone(provider, record->name, record->name, &zone, err) != 0)
		return -1;
	turn = journal_lock(journal, err);
	if (turn < 0)
		return -1;
	int written = add ? provider_add(provider, &zone, record, NULL, err)
			  : provider_remove(provider, &zone, record, NULL, err);
	if (written < 0)
		return -1;
	say(stdout, "%s TXT: %s", record->name,
	    add ? (written > 0 ? "added" : "is there already")
		: (written > 0 ? "removed" : "is not there"));
	return 0;
}

int by_hand_txt(const struct settings *settings, const char *name, const char *value, bool add,
		struct error *err)
{
	struct provider provider = {0};
	struct journal journal = {0};
	AUTO_RECORD struct record record = {0};
	domain_name asked;
	int result = read_name(name, asked, err);

	if (result == 0)
		result = check_value(value, err);
	if (result == 0)
		result = provider_open(&provider, settings, err);
	if (result == 0)
		result = journal_open(&journal, settings->letsencrypt_dir, err);
	if (result == 0)
		result =
		    record_make(&record, asked, RECORD_TXT, provider.class->record_ttl, value, err);
	if (result == 0)
		result = write_txt(&provider, &journal, &record, add, err);
	journal_close(&journal);
	provider_close(&provider);
	return result;
}
