#include "dns-hooks/providers/namecheap_zone.h"

#include "common/file.h"
#include "common/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void namecheap_zone_free(struct namecheap_zone *zone)
{
	for (size_t i = 0; i < zone->count; i++)
		namecheap_host_free(&zone->hosts[i]);
	free(zone->hosts);
	free(zone->email_type);
	*zone = (struct namecheap_zone){0};
}

int namecheap_zone_add(struct namecheap_zone *zone, struct namecheap_host *host, struct error *err)
{
	if (zone->count == NAMECHEAP_HOSTS_MAX) {
		namecheap_host_free(host);
		return error_set(err, EXIT_FAILED, "the zone %s has more than %d hosts", zone->name,
				 NAMECHEAP_HOSTS_MAX);
	}
	if (zone->count == zone->capacity) {
		size_t capacity = zone->capacity == 0 ? 32 : zone->capacity * 2;
		struct namecheap_host *hosts = reallocarray(zone->hosts, capacity, sizeof(*hosts));
		if (hosts == NULL) {
			namecheap_host_free(host);
			return error_no_memory(err);
		}
		zone->hosts = hosts;
		zone->capacity = capacity;
	}
	zone->hosts[zone->count++] = *host;
	*host = (struct namecheap_host){0}; /* the zone's now */
	return 0;
}

int namecheap_zone_copy(struct namecheap_zone *to, const struct namecheap_zone *from,
			struct error *err)
{
	*to = (struct namecheap_zone){.is_served = from->is_served};
	memcpy(to->name, from->name, sizeof(to->name));
	if (from->email_type != NULL) {
		to->email_type = strdup(from->email_type);
		if (to->email_type == NULL)
			return error_no_memory(err);
	}
	for (size_t i = 0; i < from->count; i++) {
		struct namecheap_host host;
		if (namecheap_host_copy(&host, &from->hosts[i], err) != 0 ||
		    namecheap_zone_add(to, &host, err) != 0) {
			namecheap_zone_free(to);
			return -1;
		}
	}
	return 0;
}

int namecheap_zone_records(const struct namecheap_zone *zone, const char *name,
			   struct record_list *records, struct error *err)
{
	for (size_t i = 0; i < zone->count; i++) {
		struct record record;
		if (!namecheap_host_is_at(&zone->hosts[i], zone->name, name))
			continue;
		if (namecheap_host_record(&zone->hosts[i], name, &record, err) != 0)
			return -1;
		if (record_list_add(records, &record, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- whether it can be written back */

static int check_email(const struct namecheap_zone *zone, struct error *err)
{
	static const char *const kept[] = {"NONE", "MX", "MXE", "FWD"};
	const char *type = zone->email_type == NULL ? "" : zone->email_type;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcasecmp(type, kept[i]) == 0)
			return 0;
	if (*type == '\0')
		return error_set(
		    err, EXIT_FAILED,
		    "Namecheap does not say how the zone %s gets its mail (EmailType), "
		    "and setHosts would reset it: nothing is written",
		    zone->name);
	return error_set(
	    err, EXIT_FAILED,
	    "the zone %s gets its mail by EmailType %.20s, whose records setHosts cannot put back: "
	    "nothing is written. Make the records by hand, or choose \"Custom MX\" at Namecheap "
	    "and enter the mail records there",
	    zone->name, type);
}

int namecheap_zone_check(const struct namecheap_zone *zone, struct error *err)
{
	char text[NAMECHEAP_HOST_TEXT_MAX], why[NAMECHEAP_OBSTACLE_MAX];

	if (check_email(zone, err) != 0)
		return -1;
	for (size_t i = 0; i < zone->count; i++) {
		if (!namecheap_host_has_obstacle(&zone->hosts[i], why))
			continue;
		namecheap_host_text(&zone->hosts[i], text);
		return error_set(err, EXIT_FAILED,
				 "the record '%s' of the zone %s %s. A change of any record writes "
				 "all of them, so nothing is written: make the records by hand, or "
				 "change that one at Namecheap",
				 text, zone->name, why);
	}
	return 0;
}

/* ---- changes */

/* The host that is meant by a record that was read, or NULL. */
static struct namecheap_host *find_host(const struct namecheap_zone *zone,
					const struct record *record)
{
	struct namecheap_host *found = NULL;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < zone->count; i++) {
		struct namecheap_host *host = &zone->hosts[i];
		AUTO_RECORD struct record read = {0};
		if (host->is_ours || !namecheap_host_is_at(host, zone->name, record->name) ||
		    namecheap_host_record(host, record->name, &read, &err) != 0 ||
		    !record_same(&read, record))
			continue;
		/* Of two that are alike, the very one. */
		if (found == NULL || strcmp(host->id, record->id) == 0)
			found = host;
	}
	return found;
}

static void remove_host(struct namecheap_zone *zone, struct namecheap_host *host)
{
	size_t behind = zone->count - (size_t)(host - zone->hosts) - 1;

	namecheap_host_free(host);
	memmove(host, host + 1, behind * sizeof(*host));
	zone->count--;
}

static int refuse_unserved(const struct record *record, struct error *err)
{
	if (record->type == RECORD_CNAME && strncmp(record->value, "_.", 2) == 0)
		return error_set(
		    err, EXIT_FAILED,
		    "Namecheap takes a CNAME to %s, but does not serve it, as the target begins "
		    "with "
		    "\"_.\": set GATEWAY_DOMAIN to another name of the gateway (such as "
		    "APP_ID-PORT.%s), or SET_CAA=true, which publishes its addresses",
		    record->value, record->value + 2);
	if (record->type == RECORD_TXT && strchr(record->value, '"') != NULL)
		return error_set(err, EXIT_FAILED,
				 "the TXT value for %s has double quotes, which Namecheap does not "
				 "keep as they are",
				 record->name);
	return 0;
}

/* What Namecheap answers with addresses of its own. */
static bool is_redirect(const char *type)
{
	static const char *const types[] = {"URL", "URL301", "FRAME", "ALIAS"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(type, types[i]) == 0)
			return true;
	return false;
}

static bool is_address(const char *type)
{
	return strcasecmp(type, "A") == 0 || strcasecmp(type, "AAAA") == 0;
}

static int refuse_pair(const char *name, const struct namecheap_host *ours,
		       const struct namecheap_host *other, struct error *err)
{
	char text[NAMECHEAP_HOST_TEXT_MAX];

	namecheap_host_text(other, text);
	if (strcasecmp(ours->type, "CNAME") == 0 || strcasecmp(other->type, "CNAME") == 0)
		return error_set(err, EXIT_FAILED,
				 "a CNAME cannot stand beside other records, so %s cannot have the "
				 "%s record '%s' beside '%s'; remove that one first",
				 name, ours->type, ours->address, text);
	if (is_address(ours->type) && is_redirect(other->type))
		return error_set(
		    err, EXIT_FAILED,
		    "%s has the record '%s', for which Namecheap answers with addresses "
		    "of its own; remove it first",
		    name, text);
	return 0;
}

/* Whether what we make can stand beside the rest of its name. */
static int check_neighbours(const struct namecheap_zone *zone, const char *name,
			    const struct namecheap_host *ours, struct error *err)
{
	for (size_t i = 0; i < zone->count; i++) {
		const struct namecheap_host *other = &zone->hosts[i];
		if (other != ours && namecheap_host_is_at(other, zone->name, name) &&
		    refuse_pair(name, ours, other, err) != 0)
			return -1;
	}
	return 0;
}

static int make_change(struct namecheap_zone *zone, const struct change *change, struct error *err)
{
	struct namecheap_host *host = NULL, new_host;

	if (change->kind != CHANGE_ADD) {
		host = find_host(zone, &change->before);
		if (host == NULL)
			return 1;
	}
	if (change->kind == CHANGE_REMOVE) {
		remove_host(zone, host);
		return 0;
	}
	if (refuse_unserved(&change->after, err) != 0)
		return -1;
	if (change->kind == CHANGE_UPDATE)
		return namecheap_host_set(host, &change->after, err);
	if (namecheap_host_make(&new_host, zone->name, &change->after, err) != 0)
		return -1;
	return namecheap_zone_add(zone, &new_host, err);
}

int namecheap_zone_edit(struct namecheap_zone *zone, const char *name,
			const struct change_list *changes, struct error *err)
{
	for (size_t i = 0; i < changes->count; i++) {
		int result = make_change(zone, &changes->items[i], err);
		if (result != 0)
			return result;
	}
	for (size_t i = 0; i < zone->count; i++)
		if (zone->hosts[i].is_ours &&
		    check_neighbours(zone, name, &zone->hosts[i], err) != 0)
			return -1;
	return 0;
}

/* ---- as parameters */

/* "&NAME=VALUE", or "&NAMEn=VALUE" when `number` is not 0. */
static int append(struct buffer *form, const char *name, size_t number, const char *value,
		  struct error *err)
{
	AUTO_FREE char *escaped = http_escape(value);
	char digits[24] = "";

	if (escaped == NULL)
		return error_no_memory(err);
	if (number > 0)
		snprintf(digits, sizeof(digits), "%zu", number);
	buffer_printf(form, "&%s%s=%s", name, digits, escaped);
	return buffer_check(form, "the request", err);
}

int namecheap_zone_parameters(const char *zone_name, struct buffer *form, struct error *err)
{
	const char *dot = strchr(zone_name, '.');
	domain_name first;

	if (dot == NULL || (size_t)(dot - zone_name) >= sizeof(first))
		return error_set(err, EXIT_FAILED, "'%s' is no zone at Namecheap", zone_name);
	snprintf(first, sizeof(first), "%.*s", (int)(dot - zone_name), zone_name);
	return append(form, "SLD", 0, first, err) != 0 ? -1 : append(form, "TLD", 0, dot + 1, err);
}

static int append_host(struct buffer *form, size_t number, const struct namecheap_host *host,
		       struct error *err)
{
	const struct {
		const char *name, *value;
	} parameters[] = {{"HostName", host->name},
			  {"RecordType", host->type},
			  {"Address", host->address},
			  {"MXPref", host->mx_pref},
			  {"TTL", host->ttl}};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (parameters[i].value != NULL &&
		    append(form, parameters[i].name, number, parameters[i].value, err) != 0)
			return -1;
	return 0;
}

int namecheap_zone_form(const struct namecheap_zone *zone, struct buffer *form, struct error *err)
{
	if (namecheap_zone_parameters(zone->name, form, err) != 0 ||
	    append(form, "EmailType", 0, zone->email_type == NULL ? "" : zone->email_type, err) !=
		0)
		return -1;
	for (size_t i = 0; i < zone->count; i++)
		if (append_host(form, i + 1, &zone->hosts[i], err) != 0)
			return -1;
	return 0;
}

/* ---- comparing */

void namecheap_zone_pair(struct namecheap_zone *a, struct namecheap_zone *b)
{
	for (size_t i = 0; i < b->count; i++)
		b->hosts[i].is_paired = false;
	for (size_t i = 0; i < a->count; i++) {
		a->hosts[i].is_paired = false;
		for (size_t j = 0; j < b->count && !a->hosts[i].is_paired; j++) {
			if (b->hosts[j].is_paired ||
			    !namecheap_host_same(&a->hosts[i], &b->hosts[j]))
				continue;
			a->hosts[i].is_paired = b->hosts[j].is_paired = true;
		}
	}
}

bool namecheap_zone_same_email(const struct namecheap_zone *a, const struct namecheap_zone *b)
{
	if (a->email_type == NULL || b->email_type == NULL)
		return a->email_type == b->email_type;
	return strcmp(a->email_type, b->email_type) == 0;
}

bool namecheap_zone_same(struct namecheap_zone *a, struct namecheap_zone *b)
{
	namecheap_zone_pair(a, b);
	for (size_t i = 0; i < a->count; i++)
		if (!a->hosts[i].is_paired)
			return false;
	return a->count == b->count && namecheap_zone_same_email(a, b);
}
