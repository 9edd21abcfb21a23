/* The record of keys on the certificate volume, as ingress-evidence gives and takes it. */
#ifndef SUPERVISOR_EVIDENCE_KEY_RECORD_FILE_H
#define SUPERVISOR_EVIDENCE_KEY_RECORD_FILE_H

#include "common/error.h"

struct key_record_file {
	char *folder; /* LETSENCRYPT_DIR/dstack-ingress */
	char *path;
	struct error rejected; /* why the one that was found was not believed; "" */
};

int key_record_file_init(struct key_record_file *file, const char *letsencrypt_dir,
			 struct error *err);
void key_record_file_clear(struct key_record_file *file);

/* Opens the record for reading; -1 when there is none.  An entry that is not a regular file is
 * set aside. */
int key_record_file_open(struct key_record_file *file);

/* Replaces the record, for good when it returns 0.  One that was not believed (`why`, else
 * NULL) is kept as FILE.rejected. */
int key_record_file_save(struct key_record_file *file, const char *record, const char *why,
			 struct error *err);

#endif
