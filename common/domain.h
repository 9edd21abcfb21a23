/*
 * Domain names as the settings and certificates carry them: ASCII, lower case, no
 * trailing dot, at most 253 bytes, optionally with a leading "*." (a wildcard; it counts,
 * as whatever a client puts in its place is not shorter).
 */
#ifndef COMMON_DOMAIN_H
#define COMMON_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

enum { DOMAIN_MAX = 253, DOMAIN_LABEL_MAX = 63 };

/* A normalised name and room for "*." and the NUL. */
typedef char domain_name[DOMAIN_MAX + 3];

enum domain_verdict {
	DOMAIN_VALID,
	DOMAIN_EMPTY,
	DOMAIN_TOO_LONG,
	DOMAIN_BAD_LABEL,      /* empty, over 63 bytes, or with a hyphen at an end */
	DOMAIN_BAD_CHARACTER,  /* not a letter, digit, hyphen or (where allowed) underscore */
	DOMAIN_MORE_THAN_NAME, /* a ':' or '/', as in URLs and behind a host's name */
	DOMAIN_BAD_WILDCARD,   /* a '*' anywhere but as the whole first label */
	DOMAIN_SINGLE_LABEL,   /* no dot: no public CA issues for it */
	DOMAIN_IS_ADDRESS,     /* an IPv4 address, or numbers only */
	DOMAIN_BAD_ADDRESS,    /* domain_parse_host: numbers only, but no IPv4 address */
};

/* Checks and lower-cases `text` (`length` bytes) into `out`; a trailing dot is dropped.
 * `out` is "" unless the name is valid. */
enum domain_verdict domain_parse(const char *text, size_t length, domain_name out);

/* The same for host names of servers: single labels ("app") and underscores are fine,
 * wildcards are not; an IPv4 address is DOMAIN_IS_ADDRESS and copied all the same. */
enum domain_verdict domain_parse_host(const char *text, size_t length, domain_name out);

/* A sentence part: "is empty", "is longer than 253 characters", ... */
const char *domain_verdict_text(enum domain_verdict verdict);

/* Whether `text`, as somebody wrote it (in any case, with a dot at its end or without), means the
 * normalised `name`. */
bool domain_is_meant(const char *name, const char *text);

bool domain_is_wildcard(const char *name);

/* The name behind "*.", or the name itself; points into `name`. */
const char *domain_base(const char *name);

/* Whether a certificate or route for `pattern` covers `name`: equal, or `pattern` is a
 * wildcard and `name` has exactly one label in its place.  Both normalised. */
bool domain_covers(const char *pattern, const char *name);

/* The name of the TXT record that routes `name`: PREFIX.name, or PREFIX-wildcard.base for a
 * wildcard.  Returns -1 if it would be longer than a domain name may be. */
int domain_txt_name(const char *prefix, const char *name, domain_name out);

/* _acme-challenge.base (RFC 8555 section 8.4); -1 as above. */
int domain_challenge_name(const char *name, domain_name out);

#endif
