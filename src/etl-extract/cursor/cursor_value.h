/* Values of a cursor as text, compared as what they are: numbers exactly,
 * RFC 3339 times with offset as instants, all else as bytes.
 * Gives: value_kind() tells by the text what it may stand for; a number's
 *        exponent has 17 digits at most, fractions of seconds any number.
 * Fails: value_back() with ERR_CONFIG where value and span do not agree. */
#ifndef EXTRACT_CURSOR_VALUE_H
#define EXTRACT_CURSOR_VALUE_H

#include "base/buf.h"

#include <stdint.h>

enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_TIME, VALUE_NUMBER };

enum value_kind value_kind(const char *p, size_t n);
const char *value_kind_name(enum value_kind k);         /* "a time" */
/* Below 0, 0 or above 0; both are of the kind k. */
int value_compare(enum value_kind k, const char *a, size_t an, const char *b,
    size_t bn);

/* The start of a value for a message, whatever it holds. */
enum { VALUE_SHOWN = 512 };
const char *value_show(char out[VALUE_SHOWN], const char *p, size_t n);

/* How far back: a duration (30s) for times, a whole number for numbers. */
struct span {
	enum value_kind kind;
	uint64_t n;             /* seconds, part of one being a whole one */
};
int span_parse(struct span *s, const char *text);       /* -1: neither */
/* Appends the value so far before text: a time keeps its offset and its
 * fraction, and stops at the year 0. */
int value_back(struct buf *out, const char *text, const struct span *s,
    struct err *e);

#endif
