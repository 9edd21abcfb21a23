#include "dns-hooks/providers/namecheap_host.h"

#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char APEX[] = "@";
/* What getHosts shows for every host that is no mail exchanger. */
static const char MX_PREF[] = "10";

void namecheap_host_free(struct namecheap_host *host)
{
	free(host->id);
	free(host->name);
	free(host->type);
	free(host->address);
	free(host->mx_pref);
	free(host->ttl);
	free(host->odd);
	*host = (struct namecheap_host){0};
}

/* False only when memory ran out. */
static bool copy_text(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

int namecheap_host_copy(struct namecheap_host *to, const struct namecheap_host *from,
			struct error *err)
{
	*to = (struct namecheap_host){
	    .is_dynamic = from->is_dynamic,
	    .is_inactive = from->is_inactive,
	    .is_ours = from->is_ours,
	};
	if (copy_text(&to->id, from->id) && copy_text(&to->name, from->name) &&
	    copy_text(&to->type, from->type) && copy_text(&to->address, from->address) &&
	    copy_text(&to->mx_pref, from->mx_pref) && copy_text(&to->ttl, from->ttl) &&
	    copy_text(&to->odd, from->odd))
		return 0;
	namecheap_host_free(to);
	return error_no_memory(err);
}

/* ---- from and to records */

/* A target ends in a dot, as getHosts shows it. */
static char *address_of(const struct record *record)
{
	char *text = NULL;

	if (record->type != RECORD_CNAME)
		return strdup(record->value);
	return asprintf(&text, "%s.", record->value) < 0 ? NULL : text;
}

static char *ttl_text(unsigned ttl)
{
	char *text = NULL;

	if (ttl < NAMECHEAP_TTL_MIN)
		ttl = NAMECHEAP_TTL_MIN;
	if (ttl > NAMECHEAP_TTL_MAX)
		ttl = NAMECHEAP_TTL_MAX;
	return asprintf(&text, "%u", ttl) < 0 ? NULL : text;
}

int namecheap_host_set(struct namecheap_host *host, const struct record *record, struct error *err)
{
	char *type = strdup(record_type_text(record)), *address = address_of(record);
	char *ttl = ttl_text(record->ttl);

	if (type == NULL || address == NULL || ttl == NULL) {
		free(type);
		free(address);
		free(ttl);
		return error_no_memory(err);
	}
	free(host->type);
	free(host->address);
	free(host->ttl);
	host->type = type;
	host->address = address;
	host->ttl = ttl;
	host->is_ours = true;
	return 0;
}

int namecheap_host_make(struct namecheap_host *host, const char *zone, const struct record *record,
			struct error *err)
{
	size_t name_length = strlen(record->name), zone_length = strlen(zone);

	*host = (struct namecheap_host){0};
	if (!dns_name_within(record->name, zone))
		return error_set(err, EXIT_FAILED, "%s is not in the zone %s", record->name, zone);
	host->id = strdup("");
	host->name = name_length == zone_length
			 ? strdup(APEX)
			 : strndup(record->name, name_length - zone_length - 1);
	host->mx_pref = strdup(MX_PREF);
	if (host->id == NULL || host->name == NULL || host->mx_pref == NULL)
		error_no_memory(err);
	else if (namecheap_host_set(host, record, err) == 0)
		return 0;
	namecheap_host_free(host);
	return -1;
}

/* MXE hosts alone come with the whole name of the zone instead of "@". */
static bool is_apex(const struct namecheap_host *host, const char *zone)
{
	return strcmp(host->name, APEX) == 0 ||
	       (strcasecmp(host->type, "MXE") == 0 && strcasecmp(host->name, zone) == 0);
}

bool namecheap_host_is_at(const struct namecheap_host *host, const char *zone, const char *name)
{
	size_t length = strlen(host->name), whole = strlen(name), zone_length = strlen(zone);

	if (is_apex(host, zone))
		return strcmp(name, zone) == 0;
	return whole == length + 1 + zone_length && strncasecmp(name, host->name, length) == 0 &&
	       name[length] == '.' && strcmp(name + length + 1, zone) == 0;
}

/* The number in `text`, at most `maximum`; -1 for anything else. */
static long read_number(const char *text, long maximum)
{
	char *end = NULL;

	if (text == NULL || !isdigit((unsigned char)*text))
		return -1;
	long number = strtol(text, &end, 10);
	return *end != '\0' || number > maximum ? -1 : number;
}

/* Written without quotes; what somebody typed with quotes means what is in them. */
static int text_record(const struct namecheap_host *host, const char *name, unsigned ttl,
		       struct record *record, struct error *err)
{
	struct buffer value;

	buffer_init(&value, RECORD_VALUE_MAX);
	bool is_quoted = record_unquote(host->address, &value) == 0;
	int result = record_make_shown(record, name, host->type, ttl,
				       is_quoted ? buffer_text(&value) : host->address, err);
	buffer_free(&value);
	return result;
}

int namecheap_host_record(const struct namecheap_host *host, const char *name,
			  struct record *record, struct error *err)
{
	long read = read_number(host->ttl, 0x7fffffff);
	unsigned ttl = read < 0 ? 0 : (unsigned)read;

	*record = (struct record){0};
	int result = record_type_parse(host->type) == RECORD_TXT
			 ? text_record(host, name, ttl, record, err)
			 : record_make_shown(record, name, host->type, ttl, host->address, err);
	if (result == 0)
		snprintf(record->id, sizeof(record->id), "%s", host->id);
	return result;
}

/* ---- what means the same */

static bool is_one_of(const char *type, const char *const *types)
{
	while (*types != NULL && strcasecmp(*types, type) != 0)
		types++;
	return *types != NULL;
}

/* Of a type that is not known here, the preference may mean something. */
static bool has_preference(const char *type)
{
	static const char *const without[] = {"A",   "AAAA", "ALIAS",  "CAA",	"CNAME", "NS",
					      "TXT", "URL",  "URL301", "FRAME", NULL};

	return !is_one_of(type, without);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_target(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > 0 && a[a_length - 1] == '.')
		a_length--;
	if (b_length > 0 && b[b_length - 1] == '.')
		b_length--;
	return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

static bool same_as_records(const struct namecheap_host *a, const struct namecheap_host *b)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record left = {0}, right = {0};

	return namecheap_host_record(a, "", &left, &err) == 0 &&
	       namecheap_host_record(b, "", &right, &err) == 0 && record_same(&left, &right);
}

static bool same_address(const struct namecheap_host *a, const struct namecheap_host *b)
{
	static const char *const targets[] = {"CNAME", "MX", "NS", "ALIAS", NULL};
	static const char *const formatted[] = {"A", "AAAA", "CAA", NULL};

	if (strcmp(a->address, b->address) == 0)
		return true;
	if (is_one_of(a->type, targets))
		return same_target(a->address, b->address);
	return is_one_of(a->type, formatted) && same_as_records(a, b);
}

static bool same_ttl(const char *a, const char *b)
{
	enum { AUTOMATIC = 1799, AUTOMATIC_TOO = 1800 };
	long left = read_number(a, NAMECHEAP_TTL_MAX), right = read_number(b, NAMECHEAP_TTL_MAX);

	if (left < 0 || right < 0)
		return same_text(a, b);
	return (left == AUTOMATIC_TOO ? AUTOMATIC : left) ==
	       (right == AUTOMATIC_TOO ? AUTOMATIC : right);
}

bool namecheap_host_same(const struct namecheap_host *a, const struct namecheap_host *b)
{
	return strcasecmp(a->name, b->name) == 0 && strcasecmp(a->type, b->type) == 0 &&
	       same_ttl(a->ttl, b->ttl) && same_address(a, b) &&
	       (!has_preference(a->type) || same_text(a->mx_pref, b->mx_pref)) &&
	       a->is_dynamic == b->is_dynamic && a->is_inactive == b->is_inactive;
}

/* ---- obstacles */

bool namecheap_host_has_obstacle(const struct namecheap_host *host,
				 char why[NAMECHEAP_OBSTACLE_MAX])
{
	const char *text = NULL;

	if (host->is_dynamic)
		text = "is a dynamic DNS host, which setHosts would make a fixed one";
	else if (host->is_inactive)
		text = "is not active, which setHosts cannot say";
	else if (*host->address == '\0')
		text = "has no value";
	else if (host->ttl == NULL)
		text = "has no TTL";
	else if (host->mx_pref == NULL && strcasecmp(host->type, "MX") == 0)
		text = "has no MXPref";
	snprintf(why, NAMECHEAP_OBSTACLE_MAX, "%s", text == NULL ? "" : text);
	if (text != NULL)
		return true;
	if (host->odd != NULL) {
		snprintf(why, NAMECHEAP_OBSTACLE_MAX,
			 "has the attribute %.60s, which setHosts has no parameter for", host->odd);
		return true;
	}
	if (read_number(host->ttl, NAMECHEAP_TTL_MAX) >= NAMECHEAP_TTL_MIN)
		return false;
	snprintf(why, NAMECHEAP_OBSTACLE_MAX, "has the TTL '%.20s', and setHosts takes %d to %d",
		 host->ttl, NAMECHEAP_TTL_MIN, NAMECHEAP_TTL_MAX);
	return true;
}

void namecheap_host_text(const struct namecheap_host *host, char text[NAMECHEAP_HOST_TEXT_MAX])
{
	bool is_mail = host->mx_pref != NULL && has_preference(host->type);

	snprintf(text, NAMECHEAP_HOST_TEXT_MAX, "%.80s %.20s %.120s (%s%.20s%sTTL %.20s)",
		 host->name, host->type, host->address, is_mail ? "MXPref " : "",
		 is_mail ? host->mx_pref : "", is_mail ? ", " : "",
		 host->ttl == NULL ? "none" : host->ttl);
}
