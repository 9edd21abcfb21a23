/*
 * renewal/NAME.conf: what certbot notes of a lineage, in the format of Python's ConfigObj.
 *
 * It says where the lineage is, and how certbot is to renew it.  Nothing here goes by the second
 * part; it is kept for whoever goes on from the volume with plain certbot.
 */
#ifndef SUPERVISOR_STORE_RENEWAL_CONF_H
#define SUPERVISOR_STORE_RENEWAL_CONF_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { RENEWAL_CONF_MAX = 256 * 1024 };

/* Where the lineage lies. */
struct renewal_place {
	const char *letsencrypt_dir;
	const char *name;	 /* of the lineage: live/NAME */
	const char *archive_dir; /* absolute */
};

/*
 * Appends the file for a lineage at `place` to `out`.  `made` is the one that certbot has just
 * written for the same certificate in another folder; `old`, which may be "", what the volume has.
 * How the lineage is renewed stays as the old one says (an adopted volume's own authenticator and
 * hooks); the paths, the server, the account and the type of key become those of the certificate.
 * An old one that certbot could not read is not kept.
 */
int renewal_conf_make(const struct renewal_place *place, const char *old, const char *made,
		      struct buffer *out, struct error *err);

/* The value of `server`, or NULL; `length` receives its length. */
const char *renewal_conf_server(const char *conf, size_t *length);

#endif
