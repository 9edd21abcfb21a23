#include "dns-hooks/records/idn.h"

#include "dns-hooks/records/dns_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	/* RFC 3492 section 5. */
	BASE = 36,
	TMIN = 1,
	TMAX = 26,
	SKEW = 38,
	DAMP = 700,
	FIRST_BIAS = 72,
	FIRST_POINT = 0x80,
	POINTS_MAX = DOMAIN_LABEL_MAX,
	POINT_MOST = 0x10ffff,
};

struct points {
	uint32_t items[POINTS_MAX];
	uint32_t count;
};

struct encoding {
	char *out;
	size_t used, size;
	uint32_t bias;
};

/* ---- UTF-8 */

/* The code point at `text`; how many bytes it has, 0 if it is none. */
static size_t read_point(const unsigned char *text, size_t left, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80	       ? 1
			: text[0] >> 5 == 0x06 ? 2
			: text[0] >> 4 == 0x0e ? 3
			: text[0] >> 3 == 0x1e ? 4
					       : 0;

	if (length == 0 || length > left)
		return 0;
	*point = length == 1 ? text[0] : text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 0x02)
			return 0;
		*point = *point << 6 | (text[i] & 0x3fU);
	}
	bool is_surrogate = *point >= 0xd800 && *point <= 0xdfff;
	return *point >= least[length] && *point <= POINT_MOST && !is_surrogate ? length : 0;
}

static int read_points(const char *label, size_t length, struct points *points)
{
	const unsigned char *at = (const unsigned char *)label;

	points->count = 0;
	while (length > 0) {
		if (points->count == POINTS_MAX)
			return -1;
		size_t size = read_point(at, length, &points->items[points->count++]);
		if (size == 0)
			return -1;
		at += size;
		length -= size;
	}
	return 0;
}

/* ---- punycode */

static int put(struct encoding *encoding, char c)
{
	if (encoding->used + 1 >= encoding->size)
		return -1;
	encoding->out[encoding->used++] = c;
	return 0;
}

static char digit(uint32_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + (value - 26));
}

static uint32_t adapt(uint32_t delta, uint32_t count, bool is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static int put_number(struct encoding *encoding, uint32_t number)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= encoding->bias	  ? TMIN
			     : k >= encoding->bias + TMAX ? TMAX
							  : k - encoding->bias;
		if (number < t)
			return put(encoding, digit(number));
		if (put(encoding, digit(t + (number - t) % (BASE - t))) != 0)
			return -1;
		number = (number - t) / (BASE - t);
	}
}

static uint32_t next_point(const struct points *points, uint32_t from)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < points->count; i++)
		if (points->items[i] >= from && points->items[i] < least)
			least = points->items[i];
	return least;
}

/* At most 63 code points of 21 bits: no sum here leaves 32 bits. */
static int put_points(struct encoding *encoding, const struct points *points, uint32_t plain)
{
	uint32_t delta = 0, n = FIRST_POINT, handled = plain;

	encoding->bias = FIRST_BIAS;
	while (handled < points->count) {
		uint32_t next = next_point(points, n);
		delta += (next - n) * (handled + 1);
		n = next;
		for (uint32_t i = 0; i < points->count; i++) {
			delta += points->items[i] < n;
			if (points->items[i] != n)
				continue;
			if (put_number(encoding, delta) != 0)
				return -1;
			encoding->bias = adapt(delta, handled + 1, handled == plain);
			delta = 0;
			handled++;
		}
		delta++;
		n++;
	}
	return 0;
}

static int put_label(struct encoding *encoding, const char *label, size_t length)
{
	struct points points;
	uint32_t plain = 0;

	if (read_points(label, length, &points) != 0)
		return -1;
	for (uint32_t i = 0; i < points.count; i++)
		plain += points.items[i] < FIRST_POINT;
	if (plain < points.count)
		for (const char *at = "xn--"; *at != '\0'; at++)
			if (put(encoding, *at) != 0)
				return -1;
	for (uint32_t i = 0; i < points.count; i++)
		if (points.items[i] < FIRST_POINT && put(encoding, (char)points.items[i]) != 0)
			return -1;
	if (plain == points.count)
		return 0;
	if (plain > 0 && put(encoding, '-') != 0)
		return -1;
	return put_points(encoding, &points, plain);
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= FIRST_POINT)
			return false;
	return true;
}

int idn_to_ascii(const char *name, domain_name out)
{
	char text[sizeof(domain_name) * 2];
	struct encoding encoding = {.out = text, .size = sizeof(text)};

	if (is_ascii(name))
		return dns_name_normal(name, out);
	for (const char *at = name; *at != '\0';) {
		size_t length = strcspn(at, ".");
		if (put_label(&encoding, at, length) != 0)
			return -1;
		at += length;
		if (*at == '.' && (put(&encoding, '.') != 0 || *++at == '\0'))
			break;
	}
	text[encoding.used] = '\0';
	return dns_name_normal(text, out);
}
