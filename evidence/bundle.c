#include "evidence/bundle.h"

#include <stdlib.h>
#include <string.h>

void bundle_free(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->count; i++) {
		free(bundle->files[i].name);
		free(bundle->files[i].data);
	}
	free(bundle->files);
	*bundle = (struct bundle)BUNDLE_INIT;
}

bool bundle_name_is_allowed(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._*";
	size_t length = strlen(name);

	return length > 0 && length <= BUNDLE_NAME_MAX && name[0] != '.' &&
	       strspn(name, allowed) == length;
}

/* The index of the first file whose name is not before `name`. */
static size_t position_of(const struct bundle *bundle, const char *name)
{
	size_t low = 0;
	size_t high = bundle->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(bundle->files[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct bundle *bundle, size_t position, const char *name)
{
	return position < bundle->count && strcmp(bundle->files[position].name, name) == 0;
}

const struct bundle_file *bundle_find(const struct bundle *bundle, const char *name)
{
	size_t position = position_of(bundle, name);

	return is_at(bundle, position, name) ? &bundle->files[position] : NULL;
}

static int check_limits(const struct bundle *bundle, const char *name, size_t length,
			struct error *err)
{
	if (!bundle_name_is_allowed(name))
		return error_set(err, EXIT_FAILED,
				 "\"%s\" is no name for an evidence file: 1 to %d letters, "
				 "digits and \"-._*\", without a dot in front",
				 name, BUNDLE_NAME_MAX);
	if (length > BUNDLE_FILE_MAX)
		return error_set(err, EXIT_FAILED, "%s has %zu bytes, more than %d", name, length,
				 BUNDLE_FILE_MAX);
	if (length > BUNDLE_TOTAL_MAX - bundle->total)
		return error_set(err, EXIT_FAILED, "the evidence files have more than %d bytes",
				 BUNDLE_TOTAL_MAX);
	if (bundle->count >= BUNDLE_FILES_MAX)
		return error_set(err, EXIT_FAILED, "there are more than %d evidence files",
				 BUNDLE_FILES_MAX);
	return 0;
}

static int make_file(struct bundle_file *file, const char *name, const void *data, size_t length,
		     struct error *err)
{
	if (digest_sha256_hex(data, length, file->sha256, err) != 0)
		return -1;
	file->name = strdup(name);
	file->data = malloc(length + 1);
	file->length = length;
	if (file->name == NULL || file->data == NULL) {
		free(file->name);
		free(file->data);
		return error_no_memory(err);
	}
	if (length > 0)
		memcpy(file->data, data, length);
	file->data[length] = '\0';
	return 0;
}

int bundle_add(struct bundle *bundle, const char *name, const void *data, size_t length,
	       struct error *err)
{
	size_t position = position_of(bundle, name);
	struct bundle_file file;

	if (check_limits(bundle, name, length, err) != 0)
		return -1;
	if (is_at(bundle, position, name))
		return error_set(err, EXIT_FAILED, "there are two evidence files named %s", name);
	struct bundle_file *files =
	    realloc(bundle->files, (bundle->count + 1) * sizeof(*bundle->files));
	if (files == NULL)
		return error_no_memory(err);
	bundle->files = files;
	if (make_file(&file, name, data, length, err) != 0)
		return -1;
	memmove(&files[position + 1], &files[position],
		(bundle->count - position) * sizeof(*files));
	files[position] = file;
	bundle->count++;
	bundle->total += length;
	return 0;
}
