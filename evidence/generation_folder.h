/* The folder of one generation, within the shared one: made, found and removed. */
#ifndef EVIDENCE_GENERATION_FOLDER_H
#define EVIDENCE_GENERATION_FOLDER_H

#include "common/error.h"
#include "evidence/file_set.h"
#include "evidence/shared_folder.h"

#include <stdbool.h>

/* Everything of ours that is not for readers begins with two dots. */
#define GENERATION_LINK "..data" /* to the current generation */
#define GENERATION_PREFIX "..gen-"
#define GENERATION_UNFINISHED_PREFIX "..new-"

enum { GENERATION_NAME_SIZE = 64 };

/* Whether a link's target is the name of a generation: no such name leads out of the folder. */
bool generation_is_name(const char *target);

/*
 * Writes a new one, every byte to the disk, and returns its folder, open.  Nobody but us can
 * look into it or add to it before it is whole; only then does it get `name`, in one step.
 */
int generation_write(const struct shared_folder *folder, const struct file_set *set,
		     char name[GENERATION_NAME_SIZE], struct error *err);

/* Opens the generation that `..data` in `dir` names.  -1 with errno: ENOENT when there is none,
 * EINVAL when `..data` is anything but a link to a generation. */
int generation_open_current(int dir);

/* Removes one.  What has its name but not its form (a folder of plain files) is moved aside. */
int generation_remove(const struct shared_folder *folder, const char *name, struct error *err);

#endif
