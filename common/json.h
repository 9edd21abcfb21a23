/* Reading JSON from strangers: bounded, and nothing assumed about what is in it. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#define AUTO_JSON __attribute__((cleanup(json_free)))
void json_free(cJSON **value);

/* Parses exactly one value (trailing white space allowed).  Refused beyond bad grammar: NUL
 * characters, nesting deeper than 64, a name twice in one object.  `what` names the source
 * in messages ("<what> is not JSON: '<first 60 characters>'").  cJSON_Delete() by the caller,
 * or AUTO_JSON. */
cJSON *json_parse(const char *text, size_t length, const char *what, struct error *err);

/* The same for an answer that holds a secret: messages quote nothing of it, and no copy of the
 * text stays in memory that is given back. */
cJSON *json_parse_secret(const char *text, size_t length, const char *what, struct error *err);

/* Reads and parses a file of at most `maximum` bytes, of whose content messages quote nothing. */
cJSON *json_read_file(const char *path, size_t maximum, struct error *err);

/* A member of an object, or NULL when it is absent or of another type.  Owned by the object. */
const char *json_string(const cJSON *object, const char *name);
const cJSON *json_array(const cJSON *object, const char *name);
const cJSON *json_object(const cJSON *object, const char *name);
/* The number as a whole one within 0..2^53, else `fallback`. */
long long json_integer(const cJSON *object, const char *name, long long fallback);
bool json_true(const cJSON *object, const char *name);

/* As text, without white space or indented; whatever strings hold, it is valid UTF-8 and has
 * nothing that a terminal obeys (see text.h).  free() by the caller; NULL with err set when
 * memory ran out. */
char *json_print(const cJSON *value, bool indented, struct error *err);

#endif
