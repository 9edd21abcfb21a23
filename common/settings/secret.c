#include "common/file.h"
#include "common/log.h"
#include "common/settings/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_SIZE = 64, HELD_MAX = 16 };

static void wipe(struct buffer *value)
{
	if (value->data != NULL)
		explicit_bzero(value->data, value->length);
	buffer_reset(value);
}

/* Editors leave a line end behind, people a blank line or a space: no secret ends with those. */
static void drop_blank_end(struct buffer *value)
{
	size_t length = value->length;

	while (length > 0 && strchr(" \t\r\n", value->data[length - 1]) != NULL &&
	       value->data[length - 1] != '\0')
		length--;
	value->length = length;
	if (value->data != NULL)
		value->data[length] = '\0';
}

static bool is_one_word(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return length <= SETTING_SECRET_MAX;
}

#define SHAPE "be one line of at most %d printable ASCII characters without spaces"

static int take_plain(const char *name, const char *plain, struct buffer *value, struct error *err)
{
	char hint[SETTING_HINT_SIZE];

	settings_hint(plain, strlen(plain), hint);
	if (!is_one_word(plain, strlen(plain)))
		return error_set(err, EXIT_BAD_CONFIG, "%s is \"***\": must " SHAPE "%s", name,
				 SETTING_SECRET_MAX, hint);
	buffer_puts(value, plain);
	return buffer_check(value, name, err);
}

/* The secret itself is easily given where its file should be. */
static bool may_be_secret(const char *path)
{
	size_t length = strlen(path);

	if (settings_is_quoted(path, length) && path[1] == '/')
		return false;
	return path[0] != '/' || path[length - 1] == '='; /* as base64 ends */
}

void settings_show_secret_path(const char *path, char out[SETTING_SHOWN_SIZE])
{
	if (may_be_secret(path))
		snprintf(out, SETTING_SHOWN_SIZE, "***");
	else
		settings_show(path, strlen(path), out);
}

#define NOT_SHOWN "; it is not shown, since it may be the secret itself, which belongs into "

static int read_content(const char *name, const char *path, struct buffer *content,
			struct error *err)
{
	char hint[SETTING_HINT_SIZE];
	struct error why = ERROR_INIT;

	if (file_read(path, content, &why) == 0)
		return 0;
	if (may_be_secret(path))
		return error_set(err, why.code, "cannot read that file" NOT_SHOWN "%s", name);
	settings_hint(path, strlen(path), hint);
	return error_set(err, why.code, "%s%s", why.text, hint);
}

static int take_content(const char *name, const char *path, struct buffer *content,
			struct buffer *value, struct error *err)
{
	char hint[SETTING_HINT_SIZE];

	if (read_content(name, path, content, err) != 0)
		return -1;
	drop_blank_end(content);
	if (content->length == 0)
		return error_set(err, EXIT_BAD_CONFIG, "the file is empty");
	settings_hint(content->data, content->length, hint);
	if (!is_one_word(content->data, content->length))
		return error_set(err, EXIT_BAD_CONFIG, "its content must " SHAPE "%s",
				 SETTING_SECRET_MAX, hint);
	buffer_puts(value, buffer_text(content));
	return buffer_check(value, "its content", err);
}

static int take_file(const char *name, const char *path, struct buffer *value, struct error *err)
{
	struct buffer content;
	char hint[SETTING_HINT_SIZE];

	settings_hint(path, strlen(path), hint);
	if (path[0] != '/')
		return error_set(err, EXIT_BAD_CONFIG, "must be an absolute path%s%s%s", hint,
				 may_be_secret(path) ? NOT_SHOWN : "",
				 may_be_secret(path) ? name : "");
	/* `value` may have room for the secret alone. */
	buffer_init(&content, SETTING_SECRET_FILE_MAX);
	int result = take_content(name, path, &content, value, err);
	wipe(&content);
	buffer_free(&content);
	return result;
}

int settings_read_secret(const char *name, const char *plain, const char *path,
			 struct buffer *value, struct error *err)
{
	char shown[SETTING_SHOWN_SIZE];
	int result;

	if (plain != NULL) {
		result = take_plain(name, plain, value, err);
	} else if ((result = take_file(name, path, value, err)) != 0) {
		settings_show_secret_path(path, shown);
		error_wrap(err, "%s_FILE is \"%s\"", name, shown);
	}
	if (result != 0) {
		wipe(value);
		if (err->code != EXIT_TRY_LATER) /* out of memory */
			err->code = EXIT_BAD_CONFIG;
	}
	return result;
}

/* ---- good in shape, and most likely not what was meant */

/* NAME=VALUE as a file of variables has it.  Not base64, whose '=' come last. */
static bool is_assignment(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return length >= 3 && text[length] == '=' && text[length + 1] != '=' &&
	       text[length + 1] != '\0';
}

/* ${NAME} as a compose file has it, or $NAME. */
static bool is_placeholder(const char *text)
{
	const char *name = strncmp(text, "${", 2) == 0 ? text + 2 : text + (*text == '$');
	const char *end = name + strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return name > text && end > name && strcmp(end, name - text == 2 ? "}" : "") == 0;
}

void settings_doubt_secret(struct loading *in, const struct setting *row, const char *value,
			   bool is_file)
{
	const char *form = is_file ? "_FILE" : "";
	const char *what = is_file ? "the content of its file" : "its value";

	if (settings_is_quoted(value, strlen(value)))
		settings_warn(in,
			      "%s%s: %s stands in quotes, which are taken as part of the secret",
			      row->name, form, what);
	if (is_placeholder(value))
		settings_warn(in,
			      "%s%s: %s looks like a variable that was not replaced, and is taken "
			      "as the secret",
			      row->name, form, what);
	if (is_assignment(value))
		settings_warn(
		    in,
		    "%s%s: %s looks like NAME=VALUE, and all of it is taken as the secret: "
		    "give the value alone",
		    row->name, form, what);
}

/* ---- for the programs that need one */

static const char *from_process(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || *value == '\0' ? NULL : value;
}

/* Of the rows that are secrets; the memory goes with the process. */
static struct held {
	const char *name;
	struct buffer value;
} held[HELD_MAX];

static const struct held *find_held(const char *name)
{
	for (size_t i = 0; i < HELD_MAX && held[i].name != NULL; i++)
		if (strcmp(held[i].name, name) == 0)
			return &held[i];
	return NULL;
}

void settings_hold_secrets(unsigned audience)
{
	char file_name[FILE_NAME_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < settings_table_length && count < HELD_MAX; i++) {
		const struct setting *row = &settings_table[i];
		struct error later = ERROR_INIT;
		snprintf(file_name, sizeof(file_name), "%s_FILE", row->name);
		const char *path = from_process(file_name);
		if ((row->flags & SETTING_SECRET) == 0 || (row->audience & audience) == 0 ||
		    path == NULL || find_held(row->name) != NULL)
			continue;
		buffer_init(&held[count].value, SETTINGS_VALUE_MAX);
		if (settings_read_secret(row->name, NULL, path, &held[count].value, &later) == 0)
			held[count++].name = row->name;
		else
			buffer_free(&held[count].value);
	}
}

int settings_secret(const char *name, struct buffer *value, struct error *err)
{
	char file_name[FILE_NAME_SIZE];

	snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	const char *plain = from_process(name);
	const char *path = from_process(file_name);
	if (plain != NULL && path != NULL)
		return error_set(err, EXIT_BAD_CONFIG, "%s and %s are both set: keep one of them",
				 name, file_name);
	if (plain == NULL && path == NULL)
		return 0;
	const struct held *kept = plain == NULL ? find_held(name) : NULL;
	if (kept != NULL) {
		buffer_puts(value, buffer_text(&kept->value));
		if (buffer_check(value, name, err) != 0)
			return -1;
	} else if (settings_read_secret(name, plain, path, value, err) != 0) {
		return -1;
	}
	log_hide(buffer_text(value));
	return 1;
}

const char *settings_provider_variable(const char *name)
{
	return from_process(name);
}

bool settings_provider_flag(const char *name)
{
	const char *value = from_process(name);
	const char *word = value == NULL ? NULL : settings_boolean_word(value);

	return word != NULL && *word == 't';
}
