#include "evidence/file_set.h"

#include <stdlib.h>
#include <string.h>

void file_set_free(struct file_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].name);
		free(set->files[i].data);
	}
	free(set->files);
	*set = (struct file_set)FILE_SET_INIT;
}

bool file_set_name_is_allowed(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._*";
	size_t length = strlen(name);

	return length > 0 && length <= FILE_SET_NAME_MAX && name[0] != '.' &&
	       strspn(name, allowed) == length;
}

/* The index of the first file whose name is not before `name`. */
static size_t position_of(const struct file_set *set, const char *name)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(set->files[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct file_set *set, size_t position, const char *name)
{
	return position < set->count && strcmp(set->files[position].name, name) == 0;
}

const struct evidence_file *file_set_find(const struct file_set *set, const char *name)
{
	size_t position = position_of(set, name);

	return is_at(set, position, name) ? &set->files[position] : NULL;
}

static int check_limits(const struct file_set *set, const char *name, size_t length,
			struct error *err)
{
	if (!file_set_name_is_allowed(name))
		return error_set(err, EXIT_FAILED,
				 "\"%s\" is no name for an evidence file: 1 to %d letters, "
				 "digits and \"-._*\", without a dot in front",
				 name, FILE_SET_NAME_MAX);
	if (length > EVIDENCE_FILE_MAX)
		return error_set(err, EXIT_FAILED, "%s has %zu bytes, more than %d", name, length,
				 EVIDENCE_FILE_MAX);
	if (length > FILE_SET_TOTAL_MAX - set->total)
		return error_set(err, EXIT_FAILED, "the evidence files have more than %d bytes",
				 FILE_SET_TOTAL_MAX);
	if (set->count >= FILE_SET_COUNT_MAX)
		return error_set(err, EXIT_FAILED, "there are more than %d evidence files",
				 FILE_SET_COUNT_MAX);
	return 0;
}

static int make_file(struct evidence_file *file, const char *name, const void *data, size_t length,
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

int file_set_add(struct file_set *set, const char *name, const void *data, size_t length,
		 struct error *err)
{
	size_t position = position_of(set, name);
	struct evidence_file file;

	if (check_limits(set, name, length, err) != 0)
		return -1;
	if (is_at(set, position, name))
		return error_set(err, EXIT_FAILED, "there are two evidence files named %s", name);
	struct evidence_file *files = realloc(set->files, (set->count + 1) * sizeof(*set->files));
	if (files == NULL)
		return error_no_memory(err);
	set->files = files;
	if (make_file(&file, name, data, length, err) != 0)
		return -1;
	memmove(&files[position + 1], &files[position], (set->count - position) * sizeof(*files));
	files[position] = file;
	set->count++;
	set->total += length;
	return 0;
}
