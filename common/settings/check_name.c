/* Values that name something: an address for mail, a record, protocols, files. */
#include "common/settings/checks.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EMAIL_LOCAL_MAX = 64, /* RFC 5321 section 4.5.3.1.1 */
	EMAIL_MAX = 254,
	ALPN_TOKENS_MAX = 8,
	ALPN_TOKEN_MAX = 32,
	PROGRAM_MAX = 64,
};

/* With letters and digits: what neither HAProxy's configuration nor certbot's takes apart. */
#define PATH_PUNCTUATION "._/@+-"

/* ---- mail */

/* The dot-atom of RFC 5322 without the characters that shells and configuration files give
 * a meaning to. */
static bool is_local_part(const char *text, size_t length)
{
	if (length == 0 || length > EMAIL_LOCAL_MAX || memmem(text, length, "..", 2) != NULL)
		return false;
	if (!isalnum((unsigned char)text[0]) && text[0] != '_')
		return false;
	if (text[length - 1] == '.')
		return false;
	return settings_consists_of(text, length, "._+-");
}

const char *settings_check_email(struct loading *in, const struct setting *row, const char *value)
{
	static const char rule[] = "must be one mail address such as ops@example.com";
	const char *at = strchr(value, '@');
	domain_name host;

	if (at == NULL || strlen(value) > EMAIL_MAX || !is_local_part(value, (size_t)(at - value)))
		return settings_wrong(in, row, value, rule);
	enum domain_verdict verdict = domain_parse(at + 1, strlen(at + 1), host);
	if (verdict != DOMAIN_VALID || domain_is_wildcard(host))
		return settings_wrong(in, row, value, rule);
	return settings_set_text(in, row, value);
}

/* ---- records */

const char *settings_check_txt_prefix(struct loading *in, const struct setting *row,
				      const char *value)
{
	size_t length = strlen(value);

	/* One label, and still one with "-wildcard" behind it. */
	if (!settings_consists_of(value, length, "_-") || value[0] == '-' ||
	    value[length - 1] == '-' || length > (size_t)row->maximum)
		return settings_wrong(in, row, value,
				      "must be one DNS label of at most %ld letters, digits, \"_\" "
				      "and \"-\", such as \"_dstack-app-address\"",
				      row->maximum);
	return settings_set_text(in, row, value);
}

/* ---- protocols */

static bool is_protocol(const char *text, size_t length)
{
	return length > 0 && length <= ALPN_TOKEN_MAX && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789./-") >= length;
}

/* Whether the `length` bytes at `token` are an entry of the list that ends there. */
static bool repeats(const char *list, const char *token, size_t length)
{
	for (const char *at = list; at < token; at += strcspn(at, ",") + 1)
		if (strcspn(at, ",") == length && strncmp(at, token, length) == 0)
			return true;
	return false;
}

const char *settings_check_alpn(struct loading *in, const struct setting *row, const char *value)
{
	const char *token = value;
	size_t count = 0;
	bool h2 = false;

	for (;;) {
		size_t length = strcspn(token, ",");
		if (!is_protocol(token, length) || ++count > ALPN_TOKENS_MAX)
			return settings_wrong(
			    in, row, value,
			    "must be 1 to %d protocols separated by commas, such as "
			    "\"h2,http/1.1\" (a-z, 0-9, \"./-\", at most %d characters each)",
			    ALPN_TOKENS_MAX, ALPN_TOKEN_MAX);
		if (repeats(value, token, length))
			return settings_wrong(in, row, value, "names a protocol twice");
		h2 = h2 || (length == 2 && strncmp(token, "h2", 2) == 0);
		if (token[length] == '\0')
			break;
		token += length + 1;
	}
	in->settings->alpn_h2 = h2;
	return settings_set_text(in, row, value);
}

/* ---- files */

static bool has_parent_reference(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
		if (at[3] == '/' || at[3] == '\0')
			return true;
	return false;
}

/* The path without '/' at its end, or NULL when it was reported. */
static const char *plain_path(struct loading *in, const struct setting *row, const char *value)
{
	size_t length = strlen(value);

	if (value[0] != '/' || !settings_consists_of(value, length, PATH_PUNCTUATION))
		return settings_wrong(in, row, value,
				      "must be an absolute path of letters, digits and \"._/@+-\"");
	if (has_parent_reference(value))
		return settings_wrong(in, row, value, "must be a path without \"..\"");
	while (length > 0 && value[length - 1] == '/')
		length--;
	if (length == 0)
		return settings_wrong(in, row, value, "must not be the root folder");
	if (length > (size_t)row->maximum)
		return settings_wrong(in, row, value, "must be at most %ld bytes long, this is %zu",
				      row->maximum, length);
	return value[length] == '\0' ? value : settings_keep(in, value, length);
}

const char *settings_check_path(struct loading *in, const struct setting *row, const char *value)
{
	const char *path = plain_path(in, row, value);

	return path == NULL ? NULL : settings_set_text(in, row, path);
}

const char *settings_check_program(struct loading *in, const struct setting *row, const char *value)
{
	if (strchr(value, '/') != NULL)
		return settings_check_path(in, row, value);
	if (!settings_consists_of(value, strlen(value), "._+-") ||
	    !isalnum((unsigned char)value[0]) || strlen(value) > PROGRAM_MAX)
		return settings_wrong(in, row, value,
				      "must be the name of a program or its absolute path, of "
				      "letters, digits and \"._/@+-\"");
	return settings_set_text(in, row, value);
}

const char *settings_check_ca_bundle(struct loading *in, const struct setting *row,
				     const char *value)
{
	const char *path = plain_path(in, row, value);
	struct stat info;

	if (path == NULL)
		return NULL;
	if (stat(path, &info) != 0 || access(path, R_OK) != 0)
		return settings_wrong(in, row, value, "must be a file that can be read: %s",
				      strerror(errno));
	if (!S_ISREG(info.st_mode))
		return settings_wrong(in, row, value, "must be a file with PEM certificates");
	return settings_set_text(in, row, path);
}
