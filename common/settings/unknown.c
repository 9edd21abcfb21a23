/* Variables that are not settings: mistyped ones, and those of the older product. */
#include "common/settings/loading.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	NAME_MAX_LENGTH = 64,
	SHORT_NAME = 8,	   /* below this, one difference is as much as can be a slip */
	COMMON_PREFIX = 1, /* ... and it must begin with the same letter */
};

/* ---- what only the older, script-based dstack-ingress understands */

/* NO_EFFECT with a meaning, and WAY_OUT, have the rest of the sentence in it. */
enum older_effect { NO_EFFECT, WAY_OUT };

struct older_variable {
	const char *name;
	enum older_effect effect;
	const char *harmless; /* a value that asks for what happens anyway */
	const char *meaning;
};

#define NO_LEGO "there is no lego here"
#define NO_LAYER_7 "connections are handed on as they are"

/* A way out is told for those without which something else would happen than what was asked for:
 * records in another zone, certificates with other names or keys. */
static const struct older_variable older_variables[] = {
    {"CHALLENGE_TYPE", WAY_OUT, "dns-01",
     "only dns-01 is supported, which needs the credentials of a DNS provider: give them and "
     "remove this variable. What lego has left on the volume is served until there is another "
     "certificate"},
    {"ROUTE53_INITIAL_WEIGHT", WAY_OUT, NULL,
     "weighted records are not made, since a weight decides who gets the traffic: make them in "
     "Route 53 by hand (ALIAS_DOMAIN takes what stands at a shared name as it is), and remove "
     "this variable"},
    {"DETERMINISTIC_TLS_KEY", WAY_OUT, "false",
     "keys are random and new with each certificate, never derived from the app: remove this "
     "variable. Clients that pin a key have to go by the evidence instead"},
    {"CLIENT_MAX_BODY_SIZE", NO_EFFECT, NULL, NO_LAYER_7},
    {"L4_MODE", NO_EFFECT, "true", NO_LAYER_7 ", always"},
    {"CLOUDFLARE_ZONE_ID", NO_EFFECT, NULL, "the zone is found by its name"},
    {"CERTBOT_PROPAGATION_SECONDS", NO_EFFECT, NULL,
     "a challenge is answered once every name server has it, for which PROPAGATION_TIMEOUT is "
     "the limit"},
    {"RENEW_DAYS", NO_EFFECT, NULL, "set RENEW_DAYS_BEFORE"},
    {"DNS_SETTLE_SECONDS", NO_EFFECT, NULL, "nothing waits for a time that is set"},
    {"DELEGATION_PROPAGATION_SECONDS", NO_EFFECT, NULL,
     "a challenge is answered once every name server has it, for which PROPAGATION_TIMEOUT is "
     "the limit"},
    {"TLSALPN_ADDRESS", NO_EFFECT, NULL, NO_LEGO},
    {"TLSALPN_PORT", NO_EFFECT, NULL, NO_LEGO},
    {"TLS_TERMINATE_PORT", NO_EFFECT, NULL, NO_LEGO},
    {"LEGO_BIN", NO_EFFECT, NULL, NO_LEGO},
    {"LEGO_PATH", NO_EFFECT, NULL,
     NO_LEGO "; its certificates are looked for in LETSENCRYPT_DIR/lego"},
};

static const struct older_variable *find_older(const char *name)
{
	for (size_t i = 0; i < sizeof(older_variables) / sizeof(older_variables[0]); i++)
		if (strcmp(older_variables[i].name, name) == 0)
			return &older_variables[i];
	return NULL;
}

static void warn_of_no_effect(struct loading *in, const char *name, const char *meaning)
{
	settings_warn(in, "%s has no effect here: %s", name,
		      meaning != NULL ? meaning
				      : "only the older, script-based dstack-ingress knows it");
}

/* The values are not shown: a token may be among them. */
static bool review_older(struct loading *in, const char *name, const char *value)
{
	const struct older_variable *older = find_older(name);

	if (older == NULL && strncmp(name, "PROXY_", 6) == 0)
		warn_of_no_effect(in, name, NO_LAYER_7);
	if (older == NULL)
		return strncmp(name, "PROXY_", 6) == 0;
	if (older->harmless != NULL && strcasecmp(value, older->harmless) == 0)
		return true;
	if (older->effect == WAY_OUT)
		settings_problem(in, "%s is set: %s", name, older->meaning);
	else
		warn_of_no_effect(in, name, older->meaning);
	return true;
}

/* What AWS's own programs know and this one does not: their files are not read. */
static bool review_foreign(struct loading *in, const char *name)
{
	static const char *const names[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
					    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			settings_warn(in,
				      "%s has no effect: AWS's files of credentials and profiles "
				      "are not read; set AWS_ACCESS_KEY_ID and "
				      "AWS_SECRET_ACCESS_KEY (or its _FILE)",
				      name);
			return true;
		}
	if (strcmp(name, "AWS_DEFAULT_REGION") != 0)
		return false;
	settings_warn(in, "%s has no effect here; set AWS_REGION", name);
	return true;
}

/* ---- did you mean */

/* Variables that every container has, and that the programs this one runs know. */
static bool is_ordinary(const char *name)
{
	static const char *const names[] = {
	    "PATH", "HOME", "LANG",   "TERM", "HOSTNAME", "HOST",  "PWD",      "OLDPWD",
	    "TZ",   "USER", "SHELL",  "MAIL", "LOGNAME",  "SHLVL", "EDITOR",   "PAGER",
	    "PS1",  "IFS",  "TMPDIR", "TEMP", "TMP",	  "DEBUG", "LANGUAGE", "DISPLAY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strncmp(name, "LC_", 3) == 0 || strncmp(name, "XDG_", 4) == 0;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters were inserted, left out, replaced, or swapped with their neighbour
 * (the "optimal string alignment" distance), without regard to case.
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LENGTH + 1] = {{0}};
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t *current = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];
		const size_t *above2 = rows[(i + 1) % 3]; /* i - 2 */
		current[0] = i;
		for (size_t j = 1; j <= width; j++) {
			int x = toupper((unsigned char)a[i - 1]);
			int y = toupper((unsigned char)b[j - 1]);
			size_t best = smaller(above[j], current[j - 1]) + 1;
			best = smaller(best, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == toupper((unsigned char)b[j - 2]) &&
			    toupper((unsigned char)a[i - 2]) == y)
				best = smaller(best, above2[j - 2] + 1);
			current[j] = best;
		}
	}
	return rows[strlen(a) % 3][width];
}

static bool is_close(const char *name, const char *known, size_t *how_far)
{
	size_t length = strlen(name), known_length = strlen(known);
	size_t shorter = smaller(length, known_length);
	size_t allowed = shorter < SHORT_NAME ? 1 : 2;

	if (length > known_length + allowed || known_length > length + allowed)
		return false;
	*how_far = distance(name, known);
	if (*how_far > allowed)
		return false;
	return shorter >= SHORT_NAME || strncasecmp(name, known, COMMON_PREFIX) == 0;
}

/* Finds the closest name of the table in `closest`; a secret's NAME_FILE counts too.
 * False if `name` is one of them. */
static bool find_closest(const char *name, char closest[NAME_MAX_LENGTH])
{
	static const char *const endings[] = {"", "_FILE"};
	size_t least = 3, how_far;
	char known[NAME_MAX_LENGTH];

	closest[0] = '\0';
	for (size_t i = 0; i < settings_table_length; i++) {
		size_t forms = setting_may_be_file(&settings_table[i]) ? 2 : 1;
		for (size_t form = 0; form < forms; form++) {
			snprintf(known, sizeof(known), "%s%s", settings_table[i].name,
				 endings[form]);
			if (strcmp(name, known) == 0)
				return false;
			if (is_close(name, known, &how_far) && how_far < least) {
				least = how_far;
				memcpy(closest, known, sizeof(known));
			}
		}
	}
	return true;
}

/* NAME_FILE where NAME is a setting but no secret. */
static bool is_file_of_plain(const char *name)
{
	size_t length = strlen(name);

	if (length < 6 || strcmp(name + length - 5, "_FILE") != 0)
		return false;
	for (size_t i = 0; i < settings_table_length; i++)
		if (strlen(settings_table[i].name) == length - 5 &&
		    strncmp(settings_table[i].name, name, length - 5) == 0)
			return true;
	return false;
}

static void review(struct loading *in, const char *name, const char *value)
{
	char closest[NAME_MAX_LENGTH];

	if (review_older(in, name, value) || review_foreign(in, name) || is_ordinary(name) ||
	    !find_closest(name, closest))
		return;
	if (is_file_of_plain(name))
		settings_warn(in,
			      "%s is not a setting: only secrets, DOMAINS and ROUTING_MAP can be "
			      "given as files",
			      name);
	else if (closest[0] != '\0')
		settings_warn(in, "%s is not a setting; did you mean %s?", name, closest);
}

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* Whether `name` is that of a setting, its file or the older product's. */
static bool is_ours(const char *name)
{
	char ignored[NAME_MAX_LENGTH];

	return !find_closest(name, ignored) || find_older(name) != NULL;
}

/* A name of ours with something before or behind it, such as the byte order mark of the file that
 * it comes from: nothing reads that variable. */
static void review_wrapped(struct loading *in, const char *name, size_t length)
{
	char inner[NAME_MAX_LENGTH], shown[SETTING_SHOWN_SIZE], hint[SETTING_HINT_SIZE];
	size_t start = 0, end = length;

	if (strncmp(name, "export ", 7) == 0)
		start = 7; /* of a file for the shell */
	while (start < length && strchr(NAME_CHARACTERS, name[start]) == NULL)
		start++;
	while (end > start && strchr(NAME_CHARACTERS, name[end - 1]) == NULL)
		end--;
	if (end - start >= sizeof(inner))
		return;
	snprintf(inner, sizeof(inner), "%.*s", (int)(end - start), name + start);
	if (!is_ours(inner))
		return;
	settings_show(name, length, shown);
	settings_hint(name, length, hint);
	settings_warn(in, "the variable \"%s\" is not a setting; did you mean %s?%s", shown, inner,
		      hint);
}

void settings_review_names(struct loading *in)
{
	char name[NAME_MAX_LENGTH];

	for (char *const *at = in->settings->store->environment; *at != NULL; at++) {
		size_t length = strcspn(*at, "=");
		if (length == 0 || length >= sizeof(name) || (*at)[length] == '\0' ||
		    (*at)[length + 1] == '\0')
			continue; /* empty is unset, and no name of ours is that long */
		memcpy(name, *at, length);
		name[length] = '\0';
		if (strspn(name, NAME_CHARACTERS) == length)
			review(in, name, *at + length + 1);
		else
			review_wrapped(in, name, length);
	}
}
