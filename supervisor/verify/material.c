#include "supervisor/verify/material.h"

#include "common/certificate.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_FILE "host.txt"
#define NONCE_FILE "nonce.txt"
#define CHAIN_FILE "live-chain.pem"

enum { FILE_NAME_MAX = DOMAIN_MAX + 16 };

void material_init(struct material *material)
{
	*material = (struct material){0};
	buffer_init(&material->live_chain, CERTIFICATE_PEM_MAX);
}

void material_free(struct material *material)
{
	for (size_t i = 0; i < material->count; i++) {
		free(material->files[i].name);
		buffer_free(&material->files[i].content);
	}
	free(material->files);
	buffer_free(&material->live_chain);
}

const struct buffer *material_find(const struct material *material, const char *name)
{
	for (size_t i = 0; i < material->count; i++)
		if (strcmp(material->files[i].name, name) == 0)
			return &material->files[i].content;
	return NULL;
}

struct buffer *material_add(struct material *material, const char *name, struct error *err)
{
	if (material->count == MATERIAL_FILES_MAX) {
		error_set(err, EXIT_FAILED, "the evidence has more than %d files",
			  MATERIAL_FILES_MAX);
		return NULL;
	}
	struct material_file *longer =
	    realloc(material->files, (material->count + 1) * sizeof(*longer));
	if (longer == NULL) {
		error_no_memory(err);
		return NULL;
	}
	material->files = longer;
	struct material_file *file = &longer[material->count];
	file->name = strdup(name);
	if (file->name == NULL) {
		error_no_memory(err);
		return NULL;
	}
	material->count++;
	buffer_init(&file->content, MATERIAL_FILE_MAX);
	return &file->content;
}

/* ---- a folder */

/* The first line of a file, as far as there is room for it. */
static int load_line(const char *path, char *line, size_t size, struct error *err)
{
	struct buffer text;

	buffer_init(&text, 4096);
	int rc = file_read(path, &text, err);
	if (rc == 0)
		snprintf(line, size, "%.*s", (int)strcspn(buffer_text(&text), "\r\n"),
			 buffer_text(&text));
	buffer_free(&text);
	return rc;
}

static int load_one(struct material *material, const char *dir, const char *name, struct error *err)
{
	AUTO_FREE char *path = file_join(dir, name);

	if (path == NULL)
		return error_no_memory(err);
	if (strcmp(name, HOST_FILE) == 0)
		return load_line(path, material->host, sizeof(material->host), err);
	if (strcmp(name, NONCE_FILE) == 0)
		return load_line(path, material->nonce, sizeof(material->nonce), err);
	if (strcmp(name, CHAIN_FILE) == 0)
		return file_read(path, &material->live_chain, err);
	struct buffer *content = material_add(material, name, err);
	return content == NULL ? -1 : file_read(path, content, err);
}

int material_load(struct material *material, const char *dir, struct error *err)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (folder == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", dir);
	while (rc == 0 && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			rc = load_one(material, dir, entry->d_name, err);
	closedir(folder);
	return rc;
}

static int save_one(const char *dir, const char *name, const void *data, size_t length,
		    struct error *err)
{
	AUTO_FREE char *path = file_join(dir, name);

	return path == NULL ? error_no_memory(err) : file_write(path, 0644, data, length, err);
}

int material_save(const struct material *material, const char *dir, struct error *err)
{
	if (file_make_dirs(dir, 0755, err) != 0 ||
	    save_one(dir, HOST_FILE, material->host, strlen(material->host), err) != 0 ||
	    save_one(dir, NONCE_FILE, material->nonce, strlen(material->nonce), err) != 0 ||
	    save_one(dir, CHAIN_FILE, buffer_text(&material->live_chain),
		     material->live_chain.length, err) != 0)
		return -1;
	for (size_t i = 0; i < material->count; i++) {
		const struct material_file *file = &material->files[i];
		if (save_one(dir, file->name, buffer_text(&file->content), file->content.length,
			     err) != 0)
			return -1;
	}
	return 0;
}

/* ---- certificates */

static const struct buffer *find_named(const struct material *material, const char *wanted,
				       const char **name)
{
	for (size_t i = 0; i < material->count; i++)
		if (strcmp(material->files[i].name, wanted) == 0) {
			*name = material->files[i].name;
			return &material->files[i].content;
		}
	return NULL;
}

const struct buffer *material_certificate(const struct material *material, const char *host,
					  const char **name)
{
	char wanted[FILE_NAME_MAX];
	const char *parent = strchr(host, '.');

	snprintf(wanted, sizeof(wanted), "cert-%s.pem", host);
	const struct buffer *found = find_named(material, wanted, name);
	if (found != NULL || parent == NULL)
		return found;
	snprintf(wanted, sizeof(wanted), "cert-*%s.pem", parent);
	return find_named(material, wanted, name);
}
