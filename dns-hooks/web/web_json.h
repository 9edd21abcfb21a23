/* JSON from a provider's API, in which texts of strangers stand. */
#ifndef DNS_HOOKS_WEB_WEB_JSON_H
#define DNS_HOOKS_WEB_WEB_JSON_H

#include "common/json.h"

/*
 * As json_parse(), of the answer; but escapes that stand for no character (NUL, half of a surrogate
 * pair) become U+FFFD: a listing is read whole, whatever somebody has put into one of its records.
 * They make no text equal to another one.
 */
cJSON *web_json_parse(const char *text, size_t length, struct error *err);

#endif
