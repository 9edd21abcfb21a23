/*
 * The record of the keys that this product made: text on the certificate volume, under a MAC
 * that only this app can compute.
 *
 *   dstack-ingress key-origin 1
 *   SPKI SERIAL TIME NAME         one line per key, oldest first
 *   mac HEX                       HMAC-SHA256 over all lines above
 *
 * SPKI is the SHA-256 of the public key (DER, as RFC 5280's SubjectPublicKeyInfo) in hex, SERIAL
 * that of the certificate it was made for, TIME in seconds since the epoch.
 *
 * An older record is as good as a newer one to whoever reads it: it names fewer keys, all of
 * which were made here.
 */
#ifndef EVIDENCE_KEY_RECORD_H
#define EVIDENCE_KEY_RECORD_H

#include "common/buffer.h"
#include "common/certificate.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/settings.h"

#include <stddef.h>

enum {
	KEY_RECORD_MAC_KEY_SIZE = 32,
	/* The key of a name that is served, and those that one may go back to. */
	KEY_RECORD_PER_NAME = 3,
	KEY_RECORD_ENTRIES_MAX = KEY_RECORD_PER_NAME * SETTINGS_DOMAINS_MAX,
	/* With names of the full length. */
	KEY_RECORD_MAX = 12 * 1024 * 1024,
};

struct key_entry {
	char spki[CERTIFICATE_SPKI_SIZE];
	char serial[CERTIFICATE_SERIAL_MAX];
	long long made_at;
	domain_name name;
};

struct key_record {
	struct key_entry *entries;
	size_t count;
};

#define AUTO_KEY_RECORD __attribute__((cleanup(key_record_free)))
void key_record_free(struct key_record *record);

/* -1 with err for anything but what key_record_write() made with the same key. */
int key_record_read(const char *text, size_t length,
		    const unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct key_record *record,
		    struct error *err);

/* Adds a key unless it is there.  Forgets the oldest of the same name beyond
 * KEY_RECORD_PER_NAME, and the oldest of all beyond KEY_RECORD_ENTRIES_MAX. */
int key_record_add(struct key_record *record, const struct key_entry *entry, struct error *err);

/* Appends the text to `text` (of KEY_RECORD_MAX). */
int key_record_write(const struct key_record *record,
		     const unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct buffer *text,
		     struct error *err);

/* Whether the members are what a record can hold; for what comes from a command line. */
bool key_entry_is_valid(const struct key_entry *entry);

#endif
