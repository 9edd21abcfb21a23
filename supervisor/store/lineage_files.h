/* The files of one lineage on the volume: versions in archive/, links in live/.  A part of the
 * certificate store, for store_commit.h alone. */
#ifndef SUPERVISOR_STORE_LINEAGE_FILES_H
#define SUPERVISOR_STORE_LINEAGE_FILES_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>

enum { KIND_CERT, KIND_PRIVKEY, KIND_CHAIN, KIND_FULLCHAIN, KINDS };

enum { LINEAGE_PATH_MAX = 4096 };

/* "cert", "privkey", "chain", "fullchain": as certbot calls and orders them. */
extern const char *const kind_names[KINDS];

/* FOLDER/BEFORE + KIND + BEHIND */
int lineage_path_of(char path[LINEAGE_PATH_MAX], const char *folder, const char *before, int kind,
		    const char *behind, struct error *err);

/* The contents of one version. */
struct lineage_content {
	struct buffer files[KINDS];
};

/* Reads live/NAME in a configuration folder of certbot and checks that the key belongs to the
 * certificate. */
int lineage_content_read(struct lineage_content *content, const char *config_dir, const char *name,
			 struct error *err);
void lineage_content_clear(struct lineage_content *content);

/* Where the versions of a lineage lie. */
struct lineage_place {
	char live[LINEAGE_PATH_MAX];	/* LETSENCRYPT_DIR/live/NAME */
	char archive[LINEAGE_PATH_MAX]; /* absolute */
	char target[LINEAGE_PATH_MAX];	/* what links in live/ have in front of the file's name */
};

/* As the links of an existing lineage have it, or as certbot would have it. */
int lineage_place_find(struct lineage_place *place, const char *letsencrypt_dir, const char *name,
		       struct error *err);

/* The newest version of which all files are there and the key belongs to the certificate; 0:
 * none. */
unsigned lineage_newest_whole(const struct lineage_place *place);
/* Smallest number larger than those of all files. */
unsigned lineage_next_version(const struct lineage_place *place);

/* Writes a version into `folder`; the private key gets owner, group and mode of the file
 * `like_key`, or root's and 0600 with NULL. */
int lineage_write_version(const struct lineage_content *content, const char *folder,
			  unsigned version, const char *like_key, struct error *err);
/* Takes away what has been written of a version. */
void lineage_remove_version(const char *folder, unsigned version);
/* Makes the links in `live` lead to a version, one by one; where the file system knows no links
 * they are copies of the files in `archive`. */
int lineage_link_version(const char *live, const char *archive, const char *target,
			 unsigned version, struct error *err);

/* previous_KIND.pem for each kind, leading where the links do.  Where not all of them are links,
 * a note that they are being changed. */
int lineage_note_links(const char *live, struct error *err);
/* How many of these notes there are; the last one counts for all. */
int lineage_noted_links(const char *live);
/* Whether all of them say where the links led. */
bool lineage_can_go_back(const char *live);
/* Makes the links lead where they did before. */
int lineage_restore_links(const char *live, struct error *err);
int lineage_forget_links(const char *live, struct error *err);

#endif
