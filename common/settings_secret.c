#include "common/file.h"
#include "common/log.h"
#include "common/settings_loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_SIZE = 64 };

static void wipe(struct buffer *value)
{
	if (value->data != NULL)
		explicit_bzero(value->data, value->length);
	buffer_reset(value);
}

static void drop_line_end(struct buffer *value)
{
	size_t length = value->length;

	if (length > 0 && value->data[length - 1] == '\n')
		length--;
	if (length < value->length && length > 0 && value->data[length - 1] == '\r')
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
	if (!is_one_word(plain, strlen(plain)))
		return error_set(err, EXIT_BAD_CONFIG, "%s is \"***\": must " SHAPE, name,
				 SETTING_SECRET_MAX);
	buffer_puts(value, plain);
	return buffer_check(value, name, err);
}

static int take_file(const char *path, struct buffer *value, struct error *err)
{
	if (path[0] != '/')
		return error_set(err, EXIT_BAD_CONFIG, "must be an absolute path");
	if (file_read(path, value, err) != 0)
		return -1;
	drop_line_end(value);
	if (value->length == 0)
		return error_set(err, EXIT_BAD_CONFIG, "the file is empty");
	if (!is_one_word(value->data, value->length))
		return error_set(err, EXIT_BAD_CONFIG, "its content must " SHAPE,
				 SETTING_SECRET_MAX);
	return 0;
}

int settings_read_secret(const char *name, const char *plain, const char *path,
			 struct buffer *value, struct error *err)
{
	char shown[SETTING_SHOWN_SIZE];
	int result;

	if (plain != NULL) {
		result = take_plain(name, plain, value, err);
	} else if ((result = take_file(path, value, err)) != 0) {
		settings_show(path, strlen(path), shown);
		error_wrap(err, "%s_FILE is \"%s\"", name, shown);
	}
	if (result != 0) {
		wipe(value);
		if (err->code != EXIT_TRY_LATER) /* out of memory */
			err->code = EXIT_BAD_CONFIG;
	}
	return result;
}

/* ---- for the programs that need one */

static const char *from_process(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || *value == '\0' ? NULL : value;
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
	if (settings_read_secret(name, plain, path, value, err) != 0)
		return -1;
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
