#include "csv/csv_types.h"

#include "base/calendar.h"
#include "base/suggest.h"
#include "csv/csv_columns.h"
#include "json/number.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[] = { "text", "int", "number", "bool",
	"time", NULL };

const char *
csv_type_name(enum csv_type t)
{
	return type_names[t];
}

void
csv_types_release(struct csv_types_option *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->of[i].name);
	free(o->of);
	*o = (struct csv_types_option){ 0 };
}

/* Parses one part of --types: NAME:TYPE or auto. */
static int
parse_column_type(struct csv_types_option *o, const char *part, struct err *e)
{
	const char *colon = strrchr(part, ':');
	char *name;
	int type;

	if (strcmp(part, "auto") == 0) {
		o->is_auto = true;
		return 0;
	}
	if (colon == NULL || colon == part)
		return err_set(e, ERR_USAGE, false, "--types '%.100s': must be "
		    "auto, or NAME:TYPE for each column, separated by commas, "
		    "such as id:int,price:number", part);
	if ((type = suggest_choice("--types", colon + 1, type_names, e)) == -1)
		return -1;
	if ((name = strndup(part, (size_t)(colon - part))) == NULL)
		return err_nomem(e);
	o->of[o->n++] = (struct csv_type_of){ name, (enum csv_type)type };
	for (size_t i = 0; i + 1 < o->n; i++)
		if (strcmp(name, o->of[i].name) == 0)
			return err_set(e, ERR_USAGE, false, "--types: the "
			    "column %.100s has two types: give it only one",
			    name);
	return 0;
}

int
csv_types_parse(struct csv_types_option *o, const char *text, struct err *e)
{
	struct csv_scan s;
	struct buf part;
	int rc;

	*o = (struct csv_types_option){ 0 };
	buf_init(&part, CSV_HEADER_MAX);
	rc = csv_scan_option(&s, "--types", text, e);
	if (rc == 0 && (o->of = calloc(s.n, sizeof(*o->of))) == NULL)
		rc = err_nomem(e);
	for (size_t i = 0; rc == 0 && o->of != NULL && i < s.n; i++) {
		buf_clear(&part);
		csv_append_field(&part, text, &s.field[i], '"');
		(void)buf_text(&part);
		rc = buf_check(&part, e) == -1 ? -1 :
		    parse_column_type(o, part.data, e);
	}
	csv_scan_release(&s);
	buf_release(&part);
	return rc;
}

void
csv_trim(const char **p, size_t *n)
{
	while (*n > 0 && (**p == ' ' || **p == '\t')) {
		(*p)++;
		(*n)--;
	}
	while (*n > 0 && ((*p)[*n - 1] == ' ' || (*p)[*n - 1] == '\t'))
		(*n)--;
}

static size_t
count_digits(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (size_t)(p - from);
}

/* True if the text is a JSON number (RFC 8259). Sets *is_whole if the number
 * has neither a fraction nor an exponent. */
static bool
is_json_number(const char *p, size_t n, bool *is_whole)
{
	const char *end = p + n;
	size_t digits;

	if (p < end && *p == '-')
		p++;
	digits = count_digits(p, end);
	if (digits == 0 || (*p == '0' && digits > 1))
		return false;
	p += digits;
	*is_whole = p == end;
	if (p < end && *p == '.') {
		if ((digits = count_digits(++p, end)) == 0)
			return false;
		p += digits;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if ((digits = count_digits(p, end)) == 0)
			return false;
		p += digits;
	}
	return p == end;
}

static bool
is_int(const char *p, size_t n)
{
	bool is_whole = false;
	int64_t value;

	return is_json_number(p, n, &is_whole) && is_whole &&
	    number_to_int64(p, n, &value);
}

/* True if the text starts with the digits and separators of the pattern, in
 * which 9 stands for any digit. */
static bool
has_digit_pattern(const char *p, const char *end, const char *pattern)
{
	for (; *pattern != '\0'; p++, pattern++)
		if (p == end || (*pattern == '9' ? *p < '0' || *p > '9' :
		    *p != *pattern))
			return false;
	return true;
}

static int
two_digits(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

static bool
is_date(const char *p, const char *end)
{
	int year, month, day;

	if (!has_digit_pattern(p, end, "9999-99-99"))
		return false;
	year = two_digits(p) * 100 + two_digits(p + 2);
	month = two_digits(p + 5);
	day = two_digits(p + 8);
	return month >= 1 && month <= 12 && day >= 1 &&
	    day <= calendar_month_days(year, month);
}

/* True for Z, an offset such as +02:00, or an empty text. */
static bool
is_zone_offset(const char *p, const char *end)
{
	if (p == end)
		return true;
	if (end - p == 1)
		return *p == 'Z' || *p == 'z';
	return end - p == 6 && (*p == '+' || *p == '-') &&
	    has_digit_pattern(p + 1, end, "99:99") &&
	    two_digits(p + 1) < 24 && two_digits(p + 4) < 60;
}

static bool
is_time(const char *p, size_t n)
{
	const char *end = p + n;
	size_t digits;

	if (!is_date(p, end))
		return false;
	p += 10;
	if (p == end)
		return true;
	if ((*p != 'T' && *p != 't' && *p != ' ') ||
	    !has_digit_pattern(p + 1, end, "99:99") ||
	    two_digits(p + 1) > 23 || two_digits(p + 4) > 59)
		return false;
	p += 6;
	if (p < end && *p == ':') {
		if (!has_digit_pattern(p, end, ":99") || two_digits(p + 1) > 60)
			return false;
		p += 3;
		if (p < end && *p == '.') {
			if ((digits = count_digits(++p, end)) == 0)
				return false;
			p += digits;
		}
	}
	return is_zone_offset(p, end);
}

static bool
is_word_of(const char *p, size_t n, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == n && strncasecmp(p, *words, n) == 0)
			return true;
	return false;
}

static bool
put_bool(struct buf *out, const char *p, size_t n)
{
	static const char *const yes[] = { "true", "t", "yes", "y", "1", NULL };
	static const char *const no[] = { "false", "f", "no", "n", "0", NULL };

	if (is_word_of(p, n, yes))
		buf_add(out, "true", 4);
	else if (is_word_of(p, n, no))
		buf_add(out, "false", 5);
	else
		return false;
	return true;
}

bool
csv_put_typed(struct buf *out, enum csv_type t, const char *p, size_t n)
{
	bool is_whole;

	if (t == CSV_BOOL)
		return put_bool(out, p, n);
	if (t == CSV_TIME) {
		if (!is_time(p, n))
			return false;
		buf_char(out, '"');
		buf_add(out, p, n);
		buf_char(out, '"');
		return true;
	}
	if (t == CSV_INT ? !is_int(p, n) : !is_json_number(p, n, &is_whole))
		return false;
	buf_add(out, p, n);
	return true;
}

/* A whole number that does not fit an int64 makes the column text, because most
 * programs would round it as a number. */
void
csv_guess_add(struct csv_guess *g, const char *p, size_t n)
{
	static const char *const bools[] = { "true", "false", NULL };
	bool is_whole = false, is_number = is_json_number(p, n, &is_whole);
	int64_t value;
	bool is_long = is_number && is_whole && !number_to_int64(p, n, &value);

	g->has_value = true;
	g->not_number |= !is_number || is_long;
	g->not_int |= !is_number || is_long || !is_whole;
	g->not_bool |= !is_word_of(p, n, bools);
	g->not_time |= !is_time(p, n);
}

enum csv_type
csv_guess_type(const struct csv_guess *g)
{
	if (!g->has_value)
		return CSV_TEXT;
	if (!g->not_int)
		return CSV_INT;
	if (!g->not_number)
		return CSV_NUMBER;
	if (!g->not_bool)
		return CSV_BOOL;
	return g->not_time ? CSV_TEXT : CSV_TIME;
}
