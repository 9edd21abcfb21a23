/* Hexadecimal text, as the guest agent and checksum files carry bytes. */
#ifndef COMMON_HEX_H
#define COMMON_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* Writes 2 * `length` lower case digits and a NUL to `out`. */
void hex_encode(const unsigned char *bytes, size_t length, char *out);

/* Decodes `length` digits of either case into length / 2 bytes at `out`.  -1 when the length
 * is odd or something else is in between. */
int hex_decode(const char *text, size_t length, unsigned char *out);

/* Whether the whole string is hex_decode()able; "" is. */
bool hex_is_valid(const char *text);

#endif
