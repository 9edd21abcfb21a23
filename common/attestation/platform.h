/*
 * dstack's own attestation format, as far as to say of which platform it is: what guest agents give
 * (`/v1/Attest`) where the machine is no TDX guest and there is no quote.
 *
 *   0x00 ...                                                   SCALE, of older agents
 *   {version: 1, platform: {kind, data}, stack: {kind, data}}  MessagePack
 *
 * Nothing in it is judged here.
 */
#ifndef COMMON_ATTESTATION_PLATFORM_H
#define COMMON_ATTESTATION_PLATFORM_H

#include "common/error.h"

#include <stddef.h>

enum { PLATFORM_KIND_SIZE = 33, PLATFORM_ATTESTATION_MAX = 10 * 1024 * 1024 };

/* Lower case letters, digits and '-': "sev-snp", "nitro-enclave"; "legacy" for SCALE, which does
 * not say it in a place of its own.  -1 with err for anything else. */
int platform_kind(const unsigned char *attestation, size_t length, char kind[PLATFORM_KIND_SIZE],
		  struct error *err);

#endif
