/* Skips bytes that need no special treatment, eight at a time.
 * Gives: the first byte of p..end that stops the run, or end. */
#ifndef JSON_SPAN_H
#define JSON_SPAN_H

#include <stdint.h>
#include <string.h>

#define SPAN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Loads 8 bytes. The first byte in memory becomes the lowest byte of the
 * word. */
static inline uint64_t
span_load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* Sets the high bit of each byte of the word that equals the given byte.
 * Bytes above the first such byte, and bytes from 0x80 on, may be marked by
 * mistake. */
static inline uint64_t
span_equal(uint64_t w, unsigned char byte)
{
	return (w ^ SPAN_EACH(byte)) - SPAN_EACH(1);
}

static inline int
span_stops_text(unsigned char c)
{
	return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

/* In a string: stops at quote, backslash, control character, non-ASCII. */
static inline const char *
span_text(const char *p, const char *end)
{
	uint64_t w, hit;

	for (; end - p >= 8; p += 8) {
		w = span_load(p);
		hit = span_equal(w, '"') | span_equal(w, '\\') |
		    (w - SPAN_EACH(0x20)) | w;
		hit &= SPAN_EACH(0x80);
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
	}
	while (p < end && !span_stops_text((unsigned char)*p))
		p++;
	return p;
}

/* In a string known to be valid: stops at quote and backslash. */
static inline const char *
span_quoted(const char *p, const char *end)
{
	uint64_t w, hit;

	for (; end - p >= 8; p += 8) {
		w = span_load(p);
		hit = span_equal(w, '"') | span_equal(w, '\\');
		hit &= ~w & SPAN_EACH(0x80);
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* For printing: stops at characters that jq writes as escapes. */
static inline const char *
span_unescaped(const char *p, const char *end)
{
	uint64_t w, hit;

	for (; end - p >= 8; p += 8) {
		w = span_load(p);
		hit = span_equal(w, '"') | span_equal(w, '\\') |
		    span_equal(w, 0x7f) | (w - SPAN_EACH(0x20));
		hit &= ~w & SPAN_EACH(0x80);
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
	}
	while (p < end && *p != '"' && *p != '\\' && *p != 0x7f &&
	    (unsigned char)*p >= 0x20)
		p++;
	return p;
}

#endif
