/* What Intel says in a PCK certificate about the platform: the extension 1.2.840.113741.1.13.1
 * (Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5). */
#ifndef COMMON_ATTESTATION_PCK_EXTENSION_H
#define COMMON_ATTESTATION_PCK_EXTENSION_H

#include "common/error.h"

#include <openssl/x509.h>

enum { CPUSVN_COUNT = 16, FMSPC_SIZE = 6, PCEID_SIZE = 2 };

struct pck_platform {
	unsigned char cpusvn[CPUSVN_COUNT]; /* the TCB's components, each a version */
	unsigned pcesvn;
	unsigned char fmspc[FMSPC_SIZE];
	unsigned char pceid[PCEID_SIZE];
};

int pck_extension_read(const X509 *certificate, struct pck_platform *platform, struct error *err);

#endif
