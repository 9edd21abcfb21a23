#include "dns-hooks/records/caa.h"

#include "dns-hooks/records/caa_value.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS_MAX = 255 };

static const char VALIDATION_METHOD[] = "dns-01";

int caa_make(struct caa *caa, long long flags, const char *tag, const char *value)
{
	size_t tag_length = strlen(tag), value_length = strlen(value);

	if (flags < 0 || flags > FLAGS_MAX || tag_length == 0 || tag_length >= CAA_TAG_MAX ||
	    value_length >= CAA_VALUE_MAX)
		return -1;
	for (size_t i = 0; i < tag_length; i++)
		if (!isalnum((unsigned char)tag[i]))
			return -1;
	caa->flags = (unsigned)flags;
	for (size_t i = 0; i <= tag_length; i++)
		caa->tag[i] = (char)tolower((unsigned char)tag[i]);
	memcpy(caa->value, value, value_length + 1);
	return 0;
}

int caa_parse(const char *text, struct caa *caa)
{
	char tag[CAA_TAG_MAX];
	struct buffer value;
	char *end = NULL;
	int result = -1;

	if (!isdigit((unsigned char)*text))
		return -1;
	long flags = strtol(text, &end, 10);
	const char *tag_start = end + strspn(end, " \t");
	size_t tag_length = strcspn(tag_start, " \t");
	if (tag_start == end || tag_length == 0 || tag_length >= sizeof(tag))
		return -1;
	memcpy(tag, tag_start, tag_length);
	tag[tag_length] = '\0';

	const char *quoted = tag_start + tag_length;
	quoted += strspn(quoted, " \t");
	buffer_init(&value, CAA_VALUE_MAX - 1);
	if (record_unquote(quoted, &value) == 0)
		result = caa_make(caa, flags, tag, buffer_text(&value));
	buffer_free(&value);
	return result;
}

void caa_format(const struct caa *caa, char text[CAA_TEXT_MAX])
{
	int at = snprintf(text, CAA_TEXT_MAX, "%u %s \"", caa->flags, caa->tag);

	for (const char *c = caa->value; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			text[at++] = '\\';
		text[at++] = *c;
	}
	text[at++] = '"';
	text[at] = '\0';
}

static bool has_parameter(const struct caa_value *value, const struct caa_parameter *wanted)
{
	for (size_t i = 0; i < value->count; i++) {
		const struct caa_parameter *p = &value->parameters[i];
		if (caa_part_same(&p->tag, &wanted->tag) &&
		    caa_part_same(&p->value, &wanted->value))
			return true;
	}
	return false;
}

static bool same_issue_value(const char *a, const char *b)
{
	struct caa_value left, right;

	if (caa_value_parse(a, &left) != 0 || caa_value_parse(b, &right) != 0)
		return false;
	if (!caa_part_same(&left.issuer, &right.issuer) || left.count != right.count)
		return false;
	for (size_t i = 0; i < left.count; i++)
		if (!has_parameter(&right, &left.parameters[i]) ||
		    !has_parameter(&left, &right.parameters[i]))
			return false;
	return true;
}

static bool is_issue_tag(const char *tag)
{
	return strcmp(tag, "issue") == 0 || strcmp(tag, "issuewild") == 0;
}

bool caa_same(const struct caa *a, const struct caa *b)
{
	if (a->flags != b->flags || strcmp(a->tag, b->tag) != 0)
		return false;
	if (strcmp(a->value, b->value) == 0)
		return true;
	return is_issue_tag(a->tag) && same_issue_value(a->value, b->value);
}

static int copy_part(const struct caa_part *part, char *out, size_t size)
{
	if (part->length == 0 || part->length >= size)
		return -1;
	memcpy(out, part->start, part->length);
	out[part->length] = '\0';
	return 0;
}

bool caa_is_pin(const struct caa *caa, struct caa_pin *pin)
{
	struct caa_value value;
	char issuer[sizeof(domain_name)];
	bool has_method = false, has_account = false;

	if (caa->flags != 0 || !is_issue_tag(caa->tag) ||
	    caa_value_parse(caa->value, &value) != 0 || value.count != 2 ||
	    copy_part(&value.issuer, issuer, sizeof(issuer)) != 0 ||
	    dns_name_normal(issuer, pin->issuer) != 0 || pin->issuer[0] == '\0')
		return false;
	for (size_t i = 0; i < value.count; i++) {
		const struct caa_parameter *p = &value.parameters[i];
		if (caa_part_is_anycase(&p->tag, "validationmethods"))
			has_method = caa_part_is_anycase(&p->value, VALIDATION_METHOD);
		else if (caa_part_is_anycase(&p->tag, "accounturi"))
			has_account =
			    copy_part(&p->value, pin->account_uri, sizeof(pin->account_uri)) == 0;
	}
	return has_method && has_account;
}

bool caa_forbids_all(const struct caa *caa)
{
	struct caa_value value;

	return is_issue_tag(caa->tag) &&
	       (caa_value_parse(caa->value, &value) != 0 || value.issuer.length == 0);
}

static bool is_lets_encrypt(const struct caa_identities *ca)
{
	for (size_t i = 0; i < ca->count; i++)
		if (strcmp(ca->names[i], "letsencrypt.org") == 0)
			return true;
	return false;
}

bool caa_blocks(const struct caa *caa, const struct caa_identities *ca)
{
	/* The IANA registry of CAA property tags; Let's Encrypt knows the first ones. */
	static const char *const known[] = {"issue",	"issuewild",	"iodef",       "issuemail",
					    "issuevmc", "contactemail", "contactphone"};
	enum { LETS_ENCRYPT_KNOWS = 4, LETS_ENCRYPT_CRITICAL = CAA_CRITICAL | 1 };
	bool is_strict = is_lets_encrypt(ca);
	size_t count = is_strict ? LETS_ENCRYPT_KNOWS : sizeof(known) / sizeof(known[0]);

	if ((caa->flags & (is_strict ? LETS_ENCRYPT_CRITICAL : CAA_CRITICAL)) == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(caa->tag, known[i]) == 0)
			return false;
	return true;
}

void caa_pin_value(const struct caa_pin *pin, const char *separator, char value[CAA_VALUE_MAX])
{
	snprintf(value, CAA_VALUE_MAX, "%s%svalidationmethods=%s%saccounturi=%s", pin->issuer,
		 separator, VALIDATION_METHOD, separator, pin->account_uri);
}

int caa_check_account_uri(const char *uri, struct error *err)
{
	size_t length = strlen(uri);

	if (strncmp(uri, "https://", 8) != 0 && strncmp(uri, "http://", 7) != 0)
		return error_set(err, EXIT_USAGE_ERROR,
				 "the account URI '%.200s' does not begin with https:// (it is the "
				 "\"uri\" in certbot's regr.json)",
				 uri);
	if (length >= CAA_ACCOUNT_URI_MAX)
		return error_set(err, EXIT_USAGE_ERROR,
				 "the account URI is longer than %d characters",
				 CAA_ACCOUNT_URI_MAX - 1);
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)uri[i]) || strchr(";\"\\", uri[i]) != NULL)
			return error_set(err, EXIT_USAGE_ERROR,
					 "the account URI '%.200s' has a character that a CAA "
					 "record cannot hold at position %zu",
					 uri, i + 1);
	return 0;
}
