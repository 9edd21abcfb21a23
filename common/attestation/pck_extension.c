#include "common/attestation/pck_extension.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SGX_EXTENSION "1.2.840.113741.1.13.1"

enum { OID_TEXT_MAX = 64 };

/* DER that has not been read yet. */
struct der {
	const unsigned char *at;
	long left;
};

/* The next element, which must have `tag` (-1: any); its content into `content`. */
static bool take(struct der *der, int tag, struct der *content)
{
	const unsigned char *at = der->at;
	long length;
	int seen, class;

	int flags = ASN1_get_object(&at, &length, &seen, &class, der->left);
	/* 0x80: an error; 0x01: without a length, which DER has not. */
	if ((flags & 0x81) != 0 || class != V_ASN1_UNIVERSAL || (tag >= 0 && seen != tag))
		return false;
	*content = (struct der){at, length};
	der->left -= (at - der->at) + length;
	der->at = at + length;
	return true;
}

/* The text of the object identifier that is the next element. */
static bool take_oid(struct der *der, char text[OID_TEXT_MAX])
{
	const unsigned char *at = der->at;
	ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, der->left);

	if (object == NULL)
		return false;
	int length = OBJ_obj2txt(text, OID_TEXT_MAX, object, 1);
	ASN1_OBJECT_free(object);
	der->left -= at - der->at;
	der->at = at;
	return length > 0 && length < OID_TEXT_MAX;
}

/* INTEGER or ENUMERATED, not negative, of at most two bytes besides a zero in front. */
static bool read_number(const struct der *content, unsigned *number)
{
	*number = 0;
	if (content->left < 1 || content->left > 3 || (content->at[0] & 0x80) != 0)
		return false;
	for (long i = 0; i < content->left; i++)
		*number = *number << 8 | content->at[i];
	return *number <= 0xffff;
}

/* Bits of what was found: all of them have to be. */
enum {
	FOUND_COMPONENTS = 0xffff,
	FOUND_PCESVN = 1 << 16,
	FOUND_FMSPC = 1 << 17,
	FOUND_PCEID = 1 << 18,
	FOUND_ALL = (1 << 19) - 1,
};

/* 1.2.840.113741.1.13.1.2.N: components 1 to 16, then PCESVN; 18 repeats them as one string. */
static bool read_tcb(struct der fields, struct pck_platform *platform, unsigned *found)
{
	while (fields.left > 0) {
		struct der pair, content;
		char oid[OID_TEXT_MAX];
		unsigned number, value;
		if (!take(&fields, V_ASN1_SEQUENCE, &pair) || !take_oid(&pair, oid) ||
		    sscanf(oid, SGX_EXTENSION ".2.%2u", &number) != 1)
			return false;
		if (number < 1 || number > 17)
			continue;
		if (!take(&pair, V_ASN1_INTEGER, &content) || !read_number(&content, &value) ||
		    (*found & 1U << (number - 1)) != 0)
			return false;
		if (number == 17)
			platform->pcesvn = value;
		else if (value > 0xff)
			return false;
		else
			platform->cpusvn[number - 1] = (unsigned char)value;
		*found |= 1U << (number - 1);
	}
	return true;
}

static bool read_octets(struct der *pair, unsigned char *to, long size)
{
	struct der content;

	if (!take(pair, V_ASN1_OCTET_STRING, &content) || content.left != size)
		return false;
	memcpy(to, content.at, (size_t)size);
	return true;
}

static bool read_field(struct der *pair, const char *oid, struct pck_platform *platform,
		       unsigned *found)
{
	struct der tcb;
	unsigned which;

	if (strcmp(oid, SGX_EXTENSION ".2") == 0)
		return take(pair, V_ASN1_SEQUENCE, &tcb) && read_tcb(tcb, platform, found);
	if (strcmp(oid, SGX_EXTENSION ".3") == 0) {
		which = FOUND_PCEID;
		if (!read_octets(pair, platform->pceid, PCEID_SIZE))
			return false;
	} else if (strcmp(oid, SGX_EXTENSION ".4") == 0) {
		which = FOUND_FMSPC;
		if (!read_octets(pair, platform->fmspc, FMSPC_SIZE))
			return false;
	} else {
		return true;
	}
	bool first = (*found & which) == 0;
	*found |= which;
	return first;
}

static bool read_extension(struct der der, struct pck_platform *platform)
{
	struct der fields;
	unsigned found = 0;

	if (!take(&der, V_ASN1_SEQUENCE, &fields))
		return false;
	while (fields.left > 0) {
		struct der pair;
		char oid[OID_TEXT_MAX];
		if (!take(&fields, V_ASN1_SEQUENCE, &pair) || !take_oid(&pair, oid) ||
		    !read_field(&pair, oid, platform, &found))
			return false;
	}
	return found == FOUND_ALL;
}

int pck_extension_read(const X509 *certificate, struct pck_platform *platform, struct error *err)
{
	ASN1_OBJECT *wanted = OBJ_txt2obj(SGX_EXTENSION, 1);

	*platform = (struct pck_platform){0};
	if (wanted == NULL)
		return error_no_memory(err);
	int index = X509_get_ext_by_OBJ(certificate, wanted, -1);
	ASN1_OBJECT_free(wanted);
	if (index < 0)
		return error_set(err, EXIT_FAILED,
				 "the PCK certificate says nothing about its platform");
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, index));
	const struct der der = {ASN1_STRING_get0_data(value), ASN1_STRING_length(value)};
	bool good = read_extension(der, platform);
	ERR_clear_error();
	if (!good)
		return error_set(err, EXIT_FAILED,
				 "what the PCK certificate says about its platform cannot be read");
	return 0;
}
