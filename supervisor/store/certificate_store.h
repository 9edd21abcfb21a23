/*
 * The certificate volume (LETSENCRYPT_DIR), laid out as certbot lays it out: lineages of
 * certificates (live/NAME, archive/NAME, renewal/NAME.conf) and ACME accounts
 * (accounts/SERVER/ID).  Nothing else knows that layout.
 *
 * certbot files a wildcard under its bare name, and an adopted volume has names of its own
 * making: a lineage is therefore found by the exact set of names in its certificate, never by
 * what its folder is called.  Where a domain has none of its own, any other certificate that covers
 * it stands in, be it of certbot or of lego (lego/certificates/NAME.crt and .key).
 *
 * The volume is read once.  A lineage is read again only when the inode, the size or a time of
 * its files has changed, so that looking costs next to nothing with thousands of them.
 */
#ifndef SUPERVISOR_STORE_CERTIFICATE_STORE_H
#define SUPERVISOR_STORE_CERTIFICATE_STORE_H

#include "common/certificate.h"
#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>
#include <time.h>

/* Room for the name of a lineage, or for the place of one of lego's certificates. */
enum { LINEAGE_SHOWN_MAX = DOMAIN_MAX + 32 };

/* A lineage whose certificate can be read. */
struct lineage {
	const char *name; /* certbot's --cert-name; of one of lego's its place on the volume */
	const char *fullchain_path, *privkey_path;
	const char *serial; /* of the certificate, as struct certificate has it; so are these: */
	char spki_sha256[CERTIFICATE_SPKI_SIZE];
	time_t not_before, not_after;
	bool is_kept;	  /* in RUN_DIR: the volume has not taken it */
	bool is_stand_in; /* found by store_stand_in() */
	bool is_refused;  /* by HAProxy: see store_refuse() */
};

struct acme_account {
	const char *id;	       /* certbot's --account */
	const char *uri;       /* RFC 8555 section 7.3; what a CAA accounturi names */
	const char *regr_path; /* published as acme-account.json */
};

struct certificate_store;

/* Ends what a killed run has left half done on the volume, mends links, and reads it.  `server` is
 * the URL of the CA's directory.  A volume that cannot be read is told by those who look something
 * up. */
struct certificate_store *store_open(const char *letsencrypt_dir, const char *server,
				     struct error *err);
/* The same for one who only looks: nothing is written. */
struct certificate_store *store_look(const char *letsencrypt_dir, const char *server,
				     struct error *err);
void store_close(struct certificate_store *store);

/* The folder for certificates that the volume does not take: see store_commit(). */
int store_keep_in(struct certificate_store *store, const char *folder, struct error *err);

/* Looks at every lineage for changes.  Those that cannot be read or parsed are passed over; that
 * is told once for each state they are in.  -1 when the volume cannot be read. */
int store_refresh(struct certificate_store *store, struct error *err);

/* Finds the lineage whose certificate is for exactly `domain`, as it is on the volume now; of
 * several the one that ends last, where there is one among those that have their keys.  1 found,
 * 0 there is none, -1 the volume cannot be read.  What is found is valid until the next call. */
int store_find(struct certificate_store *store, const char *domain, const struct lineage **found,
	       struct error *err);

/* The certificate to serve `domain` with while its own lineage is not there or not fit: one that
 * covers it, has its key and a chain that can be read.  Of several the one that holds the longest;
 * one that has expired, or not begun, only where no other is there.  NULL: none.  Valid until the
 * next call. */
const struct lineage *store_stand_in(struct certificate_store *store, const char *domain,
				     time_t now);

/* HAProxy does not start with the certificates of this serial number and key: until their content
 * changes they are found only where there are no others. */
void store_refuse(struct certificate_store *store, const char *serial, const char *spki_sha256);

/* Whether certbot noted (renewal/NAME.conf) that the lineage came from another ACME server:
 * staging, say.  Where it noted nothing, it did not. */
bool store_is_foreign(const struct certificate_store *store, const struct lineage *lineage);

/* The --cert-name for a first certificate of `domain`: its bare name, or with "-0001" and so on
 * behind it, as certbot does, where there is something on the volume that could be of use under
 * the bare name.  It is nobody else's until it is given back. */
int store_new_name(struct certificate_store *store, const char *domain, domain_name name,
		   struct error *err);
/* The order has ended; a name that store_new_name() did not give is fine. */
void store_give_name_back(struct certificate_store *store, const char *name);

/*
 * Takes over the certificate for `domain` that certbot has made in a folder of its own
 * (`config_dir`, with one version of the lineage `name`): as the next version of that lineage, or
 * as a new lineage.  The volume is durably as before or as after, whenever this is ended, once
 * store_open() has looked at it; what plain certbot sees is one of the two at any time.  A new
 * private key gets owner, group and mode of the one before.
 *
 * 0 when it is on the volume.  1 when the volume does not take it, err saying why: it is kept in
 * the folder of store_keep_in() then, and found there.  -1 when it is lost.
 */
int store_commit(struct certificate_store *store, const char *domain, const char *name,
		 const char *config_dir, struct error *err);

/* Puts onto the volume what is kept for the domain; -1 when it still does not take it. */
int store_put_kept(struct certificate_store *store, const char *domain, struct error *err);

/*
 * The account for the CA: of several that can be used the one that was registered last.  1 there
 * is one, 0 none, -1 the volume cannot be read.  Accounts that cannot be used (the key is broken,
 * say, or the CA has lost them) are passed over, which is told once.  Valid until the next call.
 */
int store_account(struct certificate_store *store, const struct acme_account **account,
		  struct error *err);

/* Copies the account `id` into a configuration folder for certbot. */
int store_lend_account(const struct certificate_store *store, const char *id,
		       const char *config_dir, struct error *err);

/* Whether the volume would take an account: one that it does not take is lost to the CA's limits.
 */
int store_has_room_for_account(struct certificate_store *store, struct error *err);
/* Takes over the one account that certbot has registered in `config_dir`. */
int store_commit_account(struct certificate_store *store, const char *config_dir,
			 struct error *err);

/* Notes on the volume that the CA does not know the account any more: it is not used again. */
int store_account_is_lost(struct certificate_store *store, const char *id, struct error *err);

#endif
