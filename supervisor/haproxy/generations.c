#include "supervisor/haproxy/generations.h"

#include "common/file.h"
#include "common/log.h"

#include <stdio.h>

static void make_path(const struct generations *g, unsigned long number, const char *leaf,
		      char path[GENERATIONS_PATH_MAX])
{
	snprintf(path, GENERATIONS_PATH_MAX, "%s/generation-%lu%s", g->folder, number, leaf);
}

void generations_config(const struct generations *g, unsigned long number,
			char path[GENERATIONS_PATH_MAX])
{
	make_path(g, number, "/haproxy.cfg", path);
}

void generations_openssl(const struct generations *g, unsigned long number,
			 char variable[GENERATIONS_PATH_MAX + 16])
{
	char path[GENERATIONS_PATH_MAX];

	if (number == 0)
		snprintf(path, sizeof(path), "%s/current/openssl.cnf", g->folder);
	else
		make_path(g, number, "/openssl.cnf", path);
	snprintf(variable, GENERATIONS_PATH_MAX + 16, "OPENSSL_CONF=%s", path);
}

int generations_open(struct generations *g, const char *run_dir, generations_render *render,
		     void *arg, struct error *err)
{
	*g = (struct generations){.render = render, .arg = arg};
	if ((size_t)snprintf(g->folder, sizeof(g->folder), "%s/haproxy", run_dir) >=
	    sizeof(g->folder))
		return error_set(err, EXIT_BAD_CONFIG, "RUN_DIR is too long a path: %s", run_dir);
	if (file_remove_tree(g->folder, err) != 0)
		return -1;
	return file_make_dirs(g->folder, 0700, err);
}

int generations_make(const struct generations *g, unsigned long number, struct error *err)
{
	char folder[GENERATIONS_PATH_MAX];

	make_path(g, number, "", folder);
	if (file_remove_tree(folder, err) != 0 || file_make_dirs(folder, 0700, err) != 0)
		return -1;
	return g->render(g->arg, folder, err);
}

int generations_link(const struct generations *g, unsigned long number, struct error *err)
{
	char target[64], link[GENERATIONS_PATH_MAX];

	snprintf(target, sizeof(target), "generation-%lu", number);
	snprintf(link, sizeof(link), "%s/current", g->folder);
	return file_swap_link(target, link, err);
}

void generations_remove(const struct generations *g, unsigned long number)
{
	char folder[GENERATIONS_PATH_MAX];
	struct error err = ERROR_INIT;

	make_path(g, number, "", folder);
	if (file_remove_tree(folder, &err) != 0)
		log_warn("%s", err.text);
}
