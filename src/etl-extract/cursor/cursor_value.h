/* Compares cursor values, which are kept as text: numbers exactly, times (RFC
 * 3339 with an offset) as moments, all other texts byte by byte.
 * Gives: value_kind() derives the kind of a value from its text. A number may
 *        have an exponent of at most 17 digits. A time may have any number of
 *        digits after the seconds.
 * Fails: value_look_back() with ERR_CONFIG if the lookback does not fit the
 *        value, such as a duration for a number. */
#ifndef EXTRACT_CURSOR_VALUE_H
#define EXTRACT_CURSOR_VALUE_H

#include "base/buf.h"

#include <stdint.h>

enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_TIME, VALUE_NUMBER };

enum value_kind value_kind(const char *p, size_t n);
const char *value_kind_name(enum value_kind k);         /* "a time" */
/* Returns a number less than, equal to or greater than 0, as memcmp() does.
 * Both values must be of kind k. */
int value_compare(enum value_kind k, const char *a, size_t an, const char *b,
    size_t bn);

/* Copies the start of a value to out for a message, with control characters
 * escaped. Returns out. */
enum { VALUE_SHOWN = 512 };
const char *value_show(char out[VALUE_SHOWN], const char *p, size_t n);

/* The value of --lookback: a duration (30s) for times, or a whole number for
 * numbers. */
struct lookback {
	enum value_kind kind;
	uint64_t n;             /* a duration in seconds, rounded up */
};
int lookback_parse(struct lookback *l, const char *text); /* -1: neither */
/* Appends the value of text minus the lookback. A time keeps its offset and its
 * fraction of a second, and does not go back beyond the year 0. */
int value_look_back(struct buf *out, const char *text, const struct lookback *l,
    struct err *e);

#endif
