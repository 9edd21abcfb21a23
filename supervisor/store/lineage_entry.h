/* One certificate with its key on the volume: what of it is asked for, and what its files looked
 * like when they were read.  A part of the certificate store. */
#ifndef SUPERVISOR_STORE_LINEAGE_ENTRY_H
#define SUPERVISOR_STORE_LINEAGE_ENTRY_H

#include "common/certificate.h"
#include "common/digest.h"
#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { ENTRY_PATH_MAX = 4096, NAMES_KEY_SIZE = 16 };

/* How certificates lie in a folder. */
enum entry_layout {
	LAYOUT_CERTBOT, /* NAME/fullchain.pem, NAME/privkey.pem */
	LAYOUT_LEGO,	/* NAME.crt, which has the chain too, and NAME.key */
};

struct entry_folder {
	char *path;
	enum entry_layout layout;
};

/* Thousands of these stay in memory: neither the certificate nor its PEM does. */
struct entry {
	char *name;
	char *serial; /* NULL: the certificate cannot be read */
	/* Its names, each between line ends, where one of them may cover what it is not exactly
	 * for; else NULL */
	char *covering;
	uint64_t print;	  /* of its files when they were read; 0: they have to be read again */
	uint64_t content; /* of the chain, as the print of a text */
	uint64_t told;	  /* of what was told about it; 0: nothing */
	time_t not_before, not_after;
	unsigned char names_key[NAMES_KEY_SIZE]; /* of the exact set of names */
	unsigned char spki[SHA256_SIZE];
	bool has_other_names; /* that no domain can be: it is for no domain exactly */
	bool is_there;	      /* for whoever lists the folder */
	bool is_refused;      /* by HAProxy, with this content */
	enum { KEY_UNKNOWN, KEY_FITS, KEY_DOES_NOT_FIT } key;
};

/* Not read yet; NULL: no memory. */
struct entry *entry_new(const char *name);
void entry_free(struct entry *entry);

/* -1 when the path is too long. */
int entry_chain_path(const struct entry_folder *folder, const struct entry *entry,
		     char path[ENTRY_PATH_MAX]);
int entry_key_path(const struct entry_folder *folder, const struct entry *entry,
		   char path[ENTRY_PATH_MAX]);

/* What cannot be read or parsed is told once for each state that it is in. */
void entry_read(const struct entry_folder *folder, struct entry *entry);
/* Reads it if its files have changed; whether they had. */
bool entry_look_again(const struct entry_folder *folder, struct entry *entry);

/* Whether its private key belongs to it, its chain can be read, and HAProxy has not refused it. */
bool entry_is_fit(const struct entry_folder *folder, struct entry *entry);

/* Whether one of its names is `domain` or a wildcard over it, be it for other names as well.  False
 * for one that is for exactly `domain`, unless that is a wildcard. */
bool entry_covers(const struct entry *entry, const char *domain);

/* The same for equal sets of names. */
int entry_names_key(const domain_name *names, size_t count, unsigned char key[NAMES_KEY_SIZE],
		    struct error *err);

#endif
