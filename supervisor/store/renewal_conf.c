#include "supervisor/store/renewal_conf.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 4096, LINES_MAX = 2000 };

static const char PARAMETERS[] = "renewalparams";

/* ---- reading line by line */

struct line {
	enum { LINE_OTHER, LINE_SECTION, LINE_VALUE, LINE_BROKEN } kind;
	const char *text; /* all of it, without the newline */
	size_t length;
	const char *key, *value; /* of a section: its name as key */
	size_t key_length, value_length;
};

static size_t trimmed(const char *text, size_t length)
{
	while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
		length--;
	return length;
}

static bool has_triple_quotes(const char *text, size_t length)
{
	for (size_t i = 0; i + 3 <= length; i++)
		if (strncmp(text + i, "'''", 3) == 0 || strncmp(text + i, "\"\"\"", 3) == 0)
			return true;
	return false;
}

static void read_section(struct line *line, const char *at, size_t length)
{
	size_t opening = strspn(at, "["), closing = 0;

	length = trimmed(at, length);
	while (closing < length && at[length - 1 - closing] == ']')
		closing++;
	line->kind = closing == opening && 2 * opening < length ? LINE_SECTION : LINE_BROKEN;
	line->key = at + opening;
	line->key_length = line->kind == LINE_BROKEN ? 0 : length - 2 * opening;
}

static void read_value(struct line *line, const char *at, size_t length)
{
	const char *equals = memchr(at, '=', length);

	line->kind = LINE_BROKEN;
	if (equals == NULL || equals == at || has_triple_quotes(at, length))
		return;
	line->kind = LINE_VALUE;
	line->key = at;
	line->key_length = trimmed(at, (size_t)(equals - at));
	line->value = equals + 1;
	line->value_length = length - (size_t)(equals + 1 - at);
	while (line->value_length > 0 && (*line->value == ' ' || *line->value == '\t')) {
		line->value++;
		line->value_length--;
	}
	line->value_length = trimmed(line->value, line->value_length);
}

/* The line at `at`; returns where the next one begins, or NULL at the end of the text. */
static const char *next_line(const char *at, struct line *line)
{
	if (*at == '\0')
		return NULL;
	*line = (struct line){.text = at, .length = strcspn(at, "\n"), .key = "", .value = ""};
	size_t indent = strspn(at, " \t");
	const char *begin = at + indent;
	size_t length = indent > line->length ? 0 : line->length - indent;
	if (trimmed(begin, length) > 0 && *begin != '#') {
		if (*begin == '[')
			read_section(line, begin, length);
		else
			read_value(line, begin, length);
	}
	return at + line->length + (at[line->length] == '\n');
}

static bool is_called(const struct line *line, const char *name)
{
	return line->key_length == strlen(name) && strncmp(line->key, name, line->key_length) == 0;
}

/* The value of a key of [renewalparams], or, without `in_parameters`, before any section. */
static const char *find_value(const char *conf, bool in_parameters, const char *key, size_t *length)
{
	bool is_inside = !in_parameters;
	struct line line;

	for (const char *at = conf; (at = next_line(at, &line)) != NULL;) {
		if (line.kind == LINE_SECTION)
			is_inside = in_parameters && is_called(&line, PARAMETERS);
		if (is_inside && line.kind == LINE_VALUE && is_called(&line, key)) {
			*length = line.value_length;
			return line.value;
		}
	}
	return NULL;
}

static bool is_same(const struct line *left, const struct line *right)
{
	return left->kind == right->kind && left->key_length == right->key_length &&
	       strncmp(left->key, right->key, left->key_length) == 0;
}

/* Whether the key comes again in its section, or the section again: ConfigObj bears neither. */
static bool comes_again(const struct line *line, const char *rest)
{
	struct line other;

	for (const char *at = rest; (at = next_line(at, &other)) != NULL;) {
		if (is_same(line, &other))
			return true;
		if (line->kind == LINE_VALUE && other.kind == LINE_SECTION)
			return false;
	}
	return false;
}

static bool has_open_quote(const struct line *line)
{
	size_t single = 0, both = 0;

	for (size_t i = 0; i < line->value_length; i++) {
		single += line->value[i] == '\'';
		both += line->value[i] == '"';
	}
	return single % 2 != 0 || both % 2 != 0;
}

/* Whether certbot could read it and go on from it. */
static bool is_usable(const char *conf)
{
	struct line line;
	size_t ignored, lines = 0;

	for (const char *at = conf; (at = next_line(at, &line)) != NULL;) {
		if (line.kind == LINE_BROKEN || ++lines > LINES_MAX)
			return false;
		if (line.kind == LINE_VALUE && has_open_quote(&line))
			return false;
		if (line.kind != LINE_OTHER && comes_again(&line, at))
			return false;
	}
	return find_value(conf, true, "authenticator", &ignored) != NULL;
}

const char *renewal_conf_server(const char *conf, size_t *length)
{
	return find_value(conf, true, "server", length);
}

/* ---- writing */

/* What the new file has to say, whatever the one before said. */
struct change {
	bool in_parameters;
	const char *key;
	char value[VALUE_MAX]; /* "" : the line goes */
	bool is_done;
};

enum {
	SET_VERSION,
	SET_ARCHIVE_DIR,
	SET_CERT,
	SET_PRIVKEY,
	SET_CHAIN,
	SET_FULLCHAIN,
	SET_ACCOUNT,
	SET_SERVER,
	SET_KEY_TYPE,
	SET_AUTH_HOOK,
	SET_CLEANUP_HOOK,
	SET_CONFIG_DIR,
	SET_WORK_DIR,
	SET_LOGS_DIR,
	SET_PRE_HOOK,
	SET_POST_HOOK,
	CHANGES
};

/* ConfigObj takes a comma for a list and '#' for a comment. */
static int set(struct change *change, const char *value, struct error *err)
{
	const char *quote = strpbrk(value, ",#'\" \t") == NULL ? ""
			    : strchr(value, '"') == NULL       ? "\""
							       : "'";

	if (snprintf(change->value, VALUE_MAX, "%s%s%s", quote, value, quote) >= VALUE_MAX)
		return error_set(err, EXIT_BAD_CONFIG, "LETSENCRYPT_DIR is too long a path");
	return 0;
}

static int set_path(struct change *change, const struct renewal_place *place, struct error *err)
{
	char path[VALUE_MAX];

	if (snprintf(path, sizeof(path), "%s/live/%s/%s.pem", place->letsencrypt_dir, place->name,
		     change->key) >= (int)sizeof(path))
		return error_set(err, EXIT_BAD_CONFIG, "LETSENCRYPT_DIR is too long a path");
	return set(change, path, err);
}

/* As certbot has written it, quotes and all. */
static void take_over(struct change *change, const char *made)
{
	size_t length = 0;
	const char *value = find_value(made, change->in_parameters, change->key, &length);

	if (value != NULL && length < VALUE_MAX)
		snprintf(change->value, VALUE_MAX, "%.*s", (int)length, value);
}

/* Of an order of ours: what it runs there means nothing elsewhere. */
static bool is_our_hook(const char *value, size_t length)
{
	static const char *const marks[] = {"INGRESS_", "ingress-dns"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (memmem(value, length, marks[i], strlen(marks[i])) != NULL)
			return true;
	return false;
}

/* What answers a challenge outside of an order too, given the settings of
 * the DNS provider; certbot does not begin where the program is missing. */
static void decide_hooks(struct change changes[CHANGES], const char *source)
{
	static const struct {
		int change;
		const char *value;
	} hooks[] = {{SET_AUTH_HOOK, "ingress-dns auth"},
		     {SET_CLEANUP_HOOK, "ingress-dns cleanup"}};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		struct change *change = &changes[hooks[i].change];
		size_t length = 0;
		const char *value = find_value(source, true, change->key, &length);
		if (value != NULL && is_our_hook(value, length))
			snprintf(change->value, VALUE_MAX, "%s", hooks[i].value);
		else
			change->key = "";
	}
}

static int decide(struct change changes[CHANGES], const struct renewal_place *place,
		  const char *made, struct error *err)
{
	static const int paths[] = {SET_CERT, SET_PRIVKEY, SET_CHAIN, SET_FULLCHAIN};
	static const int made_now[] = {SET_VERSION, SET_ACCOUNT, SET_SERVER, SET_KEY_TYPE};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (set_path(&changes[paths[i]], place, err) != 0)
			return -1;
	for (size_t i = 0; i < sizeof(made_now) / sizeof(*made_now); i++)
		take_over(&changes[made_now[i]], made);
	return set(&changes[SET_ARCHIVE_DIR], place->archive_dir, err);
}

static void put_missing(struct change changes[CHANGES], bool in_parameters, struct buffer *out)
{
	for (size_t i = 0; i < CHANGES; i++) {
		struct change *c = &changes[i];
		if (c->in_parameters == in_parameters && !c->is_done && c->value[0] != '\0')
			buffer_printf(out, "%s = %s\n", c->key, c->value);
		c->is_done = c->is_done || c->in_parameters == in_parameters;
	}
}

static struct change *change_for(struct change changes[CHANGES], const struct line *line,
				 bool in_parameters)
{
	for (size_t i = 0; i < CHANGES; i++)
		if (changes[i].in_parameters == in_parameters && is_called(line, changes[i].key))
			return &changes[i];
	return NULL;
}

static void put_value(struct change changes[CHANGES], const struct line *line, bool in_parameters,
		      struct buffer *out)
{
	struct change *change = change_for(changes, line, in_parameters);

	if (change == NULL)
		buffer_printf(out, "%.*s\n", (int)line->length, line->text);
	else if (!change->is_done && change->value[0] != '\0')
		buffer_printf(out, "%s = %s\n", change->key, change->value);
	if (change != NULL)
		change->is_done = true;
}

static void rewrite(struct change changes[CHANGES], const char *source, struct buffer *out)
{
	enum { BEFORE, PARAMETERS_SECTION, ELSEWHERE } where = BEFORE;
	struct line line;

	for (const char *at = source; (at = next_line(at, &line)) != NULL;) {
		if (line.kind == LINE_SECTION) {
			if (where != ELSEWHERE)
				put_missing(changes, where == PARAMETERS_SECTION, out);
			where = is_called(&line, PARAMETERS) ? PARAMETERS_SECTION : ELSEWHERE;
		}
		if (line.kind == LINE_VALUE && where != ELSEWHERE)
			put_value(changes, &line, where == PARAMETERS_SECTION, out);
		else
			buffer_printf(out, "%.*s\n", (int)line.length, line.text);
	}
	if (where == PARAMETERS_SECTION)
		put_missing(changes, true, out);
}

int renewal_conf_make(const struct renewal_place *place, const char *old, const char *made,
		      struct buffer *out, struct error *err)
{
	struct change changes[CHANGES] = {
	    [SET_VERSION] = {.key = "version"},
	    [SET_ARCHIVE_DIR] = {.key = "archive_dir"},
	    [SET_CERT] = {.key = "cert"},
	    [SET_PRIVKEY] = {.key = "privkey"},
	    [SET_CHAIN] = {.key = "chain"},
	    [SET_FULLCHAIN] = {.key = "fullchain"},
	    [SET_ACCOUNT] = {.in_parameters = true, .key = "account"},
	    [SET_SERVER] = {.in_parameters = true, .key = "server"},
	    [SET_KEY_TYPE] = {.in_parameters = true, .key = "key_type"},
	    [SET_AUTH_HOOK] = {.in_parameters = true, .key = "manual_auth_hook"},
	    [SET_CLEANUP_HOOK] = {.in_parameters = true, .key = "manual_cleanup_hook"},
	    /* Of the folder that certbot was given for one order. */
	    [SET_CONFIG_DIR] = {.in_parameters = true, .key = "config_dir"},
	    [SET_WORK_DIR] = {.in_parameters = true, .key = "work_dir"},
	    [SET_LOGS_DIR] = {.in_parameters = true, .key = "logs_dir"},
	    [SET_PRE_HOOK] = {.in_parameters = true, .key = "pre_hook"},
	    [SET_POST_HOOK] = {.in_parameters = true, .key = "post_hook"},
	};
	bool keeps_old = is_usable(old);

	if (!keeps_old && !is_usable(made))
		return error_set(err, EXIT_FAILED,
				 "certbot has made no renewal/%s.conf that can "
				 "be read",
				 place->name);
	if (decide(changes, place, made, err) != 0)
		return -1;
	if (keeps_old)
		for (int i = SET_CONFIG_DIR; i < CHANGES; i++)
			changes[i].key = "";
	decide_hooks(changes, keeps_old ? old : made);
	rewrite(changes, keeps_old ? old : made, out);
	return buffer_check(out, place->name, err);
}
