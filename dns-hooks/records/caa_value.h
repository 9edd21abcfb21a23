/* The value of an issue or issuewild record taken apart (RFC 8659 section 4.2); pure. */
#ifndef DNS_HOOKS_RECORDS_CAA_VALUE_H
#define DNS_HOOKS_RECORDS_CAA_VALUE_H

#include <stdbool.h>
#include <stddef.h>

enum { CAA_PARAMETERS_MAX = 64 };

/* A part of a value, without the white space around it; points into the value. */
struct caa_part {
	const char *start;
	size_t length;
};

struct caa_parameter {
	struct caa_part tag, value;
};

struct caa_value {
	struct caa_part issuer; /* empty: nobody may issue */
	struct caa_parameter parameters[CAA_PARAMETERS_MAX];
	size_t count;
};

/* -1 for a value that is not of the grammar: to a CA it is one that lets nobody issue. */
int caa_value_parse(const char *text, struct caa_value *value);

/* Whether a part is `text`, exactly or in any letter case. */
bool caa_part_is(const struct caa_part *part, const char *text);
bool caa_part_is_anycase(const struct caa_part *part, const char *text);
bool caa_part_same(const struct caa_part *a, const struct caa_part *b);

#endif
