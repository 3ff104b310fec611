#include "history.h"

#include "base/datetime.h"
#include "columns_sql.h"
#include "json/write.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Appends the text in lower case, without blanks, parentheses and quotes: in a
 * condition about one column they do not change the meaning. */
static void
put_stripped(struct buf *b, const char *p, size_t n)
{
	for (; n > 0; n--, p++)
		if (strchr(" \t\n()\"`[]", *p) == NULL)
			buf_char(b, (char)tolower((unsigned char)*p));
}

/* Returns 1 if `condition`, the WHERE of a partial index, says that the column
 * is true, for example "is_current = true"; else 0; -1 with *e. */
static int
means_true(const struct column *c, struct db_value condition, struct err *e)
{
	static const char *const ends[] = { "", "=true", "istrue", "=1", "==1",
		"is1" };
	struct buf have, want;
	int rc = 0;

	buf_init(&have, SIZE_MAX / 4);
	buf_init(&want, SIZE_MAX / 4);
	put_stripped(&have, condition.p, condition.len);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && rc == 0; i++) {
		buf_clear(&want);
		put_stripped(&want, c->name, strlen(c->name));
		buf_str(&want, ends[i]);
		rc = strcmp(buf_text(&have), buf_text(&want)) == 0;
		if (buf_check(&want, e) == -1)
			rc = -1;
	}
	if (rc != -1 && buf_check(&have, e) == -1)
		rc = -1;
	buf_release(&have);
	buf_release(&want);
	return rc;
}

/* If a name or a text in quotes begins at p, returns the position after it;
 * otherwise returns p. */
static const char *
skip_quoted(const char *p, const char *end)
{
	const char *close = strchr("\"\"``''[]", *p);

	if (close == NULL || *p == ']')
		return p;
	for (p++; p < end && *p != close[1]; p++)
		continue;
	return p < end ? p + 1 : end;
}

static bool
is_part_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c > 127;
}

/* Returns the condition of a partial index. PostgreSQL gives just the
 * condition. SQLite gives the whole CREATE INDEX: there the condition follows
 * the word WHERE, which cannot be a name unless it is in quotes. */
static struct db_value
get_index_where(enum db_kind kind, struct db_value v)
{
	const char *end = v.p + v.len, *p = v.p, *word;

	while (kind == DB_SQLITE && p < end) {
		word = p;
		while (p < end && is_part_of_word(*p))
			p++;
		if (p - word == 5 && strncasecmp(word, "where", 5) == 0)
			break;
		if (p == word && (p = skip_quoted(p, end)) == word)
			p++;
	}
	v.len = (size_t)(end - p);
	v.p = p;
	return v;
}

/* Stores the condition of the index that allows one current row for each key.
 * Returns 1: stored; 0: there is no such index; -1 with *e. */
static int
note_condition(struct target *t, struct db_rows *r, enum db_kind kind,
    struct err *e)
{
	struct history *h = &t->history;
	struct db_value condition;
	int more, rc = 0;

	while (rc == 0 && (more = db_next(r, e)) != 0) {
		if (more == -1)
			return -1;
		condition = get_index_where(kind, db_column(r, 0));
		rc = means_true(&t->table->columns[h->current], condition, e);
		if (rc == 1 && (h->current_where =
			strndup(condition.p, condition.len)) == NULL)
			return err_nomem(e);
	}
	return rc;
}

/* Looks for the unique index that allows one current row for each key. Returns
 * 1: the table has it; 0: it does not; -1 with *e. */
static int
find_current_index(struct target *t, struct db *db, struct err *e)
{
	struct db_value v[] = { db_text(t->table->schema),
		db_text(t->table->base), { 0 } };
	struct db_rows *r;
	struct buf names;
	int rc = -1;

	buf_init(&names, SIZE_MAX / 4);
	put_key_names_json(&names, t);
	v[2] = db_text(buf_text(&names));
	if (buf_check(&names, e) == 0 && db_query(db, &r,
	    db_sql(db, SQL_TABLE_PARTIAL_UNIQUE), v, 3, e) == 0) {
		rc = note_condition(t, r, db_kind(db), e);
		db_end(r);
	}
	buf_release(&names);
	return rc;
}

/* Fails with a message that contains the missing CREATE UNIQUE INDEX. SQLite
 * does not allow a schema before the table there, and requires a name for the
 * index. */
static int
fail_no_index(const struct target *t, enum db_kind kind, struct err *e)
{
	const struct table *table = t->table;
	struct buf b, name;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_init(&name, SIZE_MAX / 4);
	buf_printf(&name, "%s_current", table->base);
	buf_str(&b, "CREATE UNIQUE INDEX ");
	if (kind == DB_SQLITE) {
		db_append_quoted(&b, name.data, name.len);
		buf_str(&b, " ON ");
		db_append_quoted(&b, table->base, strlen(table->base));
	} else {
		buf_printf(&b, "ON %s", table->quoted);
	}
	buf_str(&b, " (");
	sql_put_key(&b, t);
	buf_printf(&b, ") WHERE %s",
	    table->columns[t->history.current].quoted);
	(void)buf_text(&b);
	if ((rc = buf_check(&name, e)) == 0 && (rc = buf_check(&b, e)) == 0)
		rc = err_set(e, ERR_CONFIG, false, "table %s has no unique "
		    "index of its current rows, which --mode scd2 needs; this "
		    "statement makes it: %s", table->name, b.data);
	buf_release(&b);
	buf_release(&name);
	return rc;
}

/* Sets *digits to the number of digits of the second that the column keeps, or
 * to AS_OF_DAYS. Returns false if the column cannot hold a date. */
static bool
find_digits(const struct column *c, enum db_kind kind, int *digits)
{
	*digits = AS_OF_DIGITS;
	if (kind == DB_SQLITE) {
		if (strcasecmp(c->type, "date") == 0)
			*digits = AS_OF_DAYS;
		return c->kind == COLUMN_TEXT || c->kind == COLUMN_TIME ||
		    *c->type == '\0';
	}
	if (c->change == CHANGE_DATE)
		*digits = AS_OF_DAYS;
	else if (c->change == CHANGE_TIMESTAMP ||
	    c->change == CHANGE_TIMESTAMPTZ)
		*digits = c->change_limit;
	else
		return false;
	return c->kind == COLUMN_TIME;
}

/* Checks the columns valid_from, valid_to and is_current, and sets
 * h->digits. */
static int
check_validity(struct target *t, enum db_kind kind, struct err *e)
{
	struct history *h = &t->history;
	const struct column *from = &t->table->columns[h->from];
	const struct column *to = &t->table->columns[h->to];
	const struct column *current = &t->table->columns[h->current];
	int digits;

	if (h->from == h->to || h->from == h->current || h->to == h->current)
		return err_set(e, ERR_CONFIG, false, "--valid-from, --valid-to "
		    "and --current must name three columns");
	if (!find_digits(from, kind, &h->digits) ||
	    !find_digits(to, kind, &digits) ||
	    h->digits != digits || strcmp(from->type, to->type) != 0)
		return err_set(e, ERR_CONFIG, false, "table %s: the columns "
		    "\"%s\" (%s) and \"%s\" (%s) must have the same type: "
		    "timestamptz, timestamp or date%s", t->table->name,
		    from->name, from->type, to->name, to->type,
		    kind == DB_SQLITE ? ", or text" : "");
	if (to->not_null)
		return err_set(e, ERR_CONFIG, false, "table %s: column \"%s\" "
		    "is NOT NULL, but it must be null in current rows: "
		    "drop NOT NULL from it",
		    t->table->name, to->name);
	if (current->kind == COLUMN_BOOL ||
	    (kind == DB_SQLITE && current->kind == COLUMN_INT))
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: column \"%s\" (%s) "
	    "must be boolean: it says whether a row is current",
	    t->table->name, current->name, current->type);
}

/* Marks the columns whose value is carried over from the row before, if the
 * record has no value for them. A column that is unique by itself is not among
 * them: it is a surrogate key, which the database fills for each row. */
static int
mark_carried(struct target *t, struct db *db, struct err *e)
{
	struct db_value v[] = { db_text(t->table->schema),
		db_text(t->table->base) }, name;
	bool *carried = t->history.carried;
	struct db_rows *r;
	int rc;

	for (size_t i = 0; i < t->table->n; i++)
		carried[i] = !t->is_key[i] && !history_sets(t, i) &&
		    !t->table->columns[i].generated &&
		    t->table->columns[i].key == 0 && (int)i != t->touch &&
		    (int)i != t->seen;
	if (db_query(db, &r, db_sql(db, SQL_TABLE_UNIQUE), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		name = db_column(r, 1);
		if (db_column(r, 3).i != 1 || name.type != DB_TEXT)
			continue;
		for (size_t i = 0; i < t->table->n; i++)
			if (strlen(t->table->columns[i].name) == name.len &&
			    memcmp(t->table->columns[i].name, name.p,
				name.len) == 0)
				carried[i] = false;
	}
	db_end(r);
	return rc;
}

struct history_names
history_get_names(const struct load_opts *o)
{
	return (struct history_names){
		o->valid_from != NULL ? o->valid_from : "valid_from",
		o->valid_to != NULL ? o->valid_to : "valid_to",
		o->current != NULL ? o->current : "is_current",
	};
}

int
history_open(struct target *t, struct db *db, struct err *e)
{
	int rc;

	t->history.carried = calloc(t->table->n + 1, sizeof(bool));
	if (t->history.carried == NULL)
		return err_nomem(e);
	if (check_validity(t, db_kind(db), e) == -1 ||
	    (rc = find_current_index(t, db, e)) == -1)
		return -1;
	return rc == 0 ? fail_no_index(t, db_kind(db), e) :
	    mark_carried(t, db, e);
}

void
history_close(struct history *h)
{
	free(h->carried);
	free(h->current_where);
}

bool
history_sets(const struct target *t, size_t column)
{
	const struct history *h = &t->history;

	return (int)column == h->from || (int)column == h->to ||
	    (int)column == h->current;
}

bool
history_carries(const struct target *t, const struct shape *s, size_t column)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->columns[i] == column)
			return false;
	return t->history.carried[column];
}

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
enum { DATE_LEN = 10 };         /* bytes of 2026-01-30 */

/* Reads a time in microseconds since 1970. A time without a zone is in UTC
 * already. Sets *more if a digit after the sixth one is not 0. */
static bool
read_time(const char *p, size_t n, int64_t *time, bool *more)
{
	enum { FORMS = DATETIME_DATE | DATETIME_LOWER | DATETIME_MINUTES |
	    DATETIME_MINUTE_PARTS | DATETIME_COMMA | DATETIME_LOCAL |
	    DATETIME_SHORT_ZONE | DATETIME_BLANK_ZONE | DATETIME_HOUR_24 };
	enum { KEPT = 6 };
	struct datetime d;

	if (datetime_read(&d, p, n, FORMS) != DATETIME_OK)
		return false;
	*time = datetime_seconds(&d) * SECOND + datetime_micros(&d);
	*more = false;
	for (size_t i = KEPT; i < d.digits; i++)
		*more |= d.fraction[i] != '0';
	return true;
}

/* Returns the smallest step of a time with this many digits of the second, in
 * microseconds. */
static int64_t
get_unit(int digits)
{
	int64_t unit = digits == AS_OF_DAYS ? DAY : SECOND;

	for (; digits > 0; digits--)
		unit /= 10;
	return unit;
}

static int64_t
round_down(int64_t time, int64_t unit)
{
	int64_t rest = time % unit;

	return time - (rest < 0 ? rest + unit : rest);
}

static void
write_time(char out[CLOCK_STAMP], int64_t time, int digits)
{
	int64_t whole = round_down(time, SECOND);

	clock_format(out, whole / SECOND, (int)(time - whole));
	if (digits == AS_OF_DAYS)
		out[DATE_LEN] = '\0';
}

bool
as_of_convert(char out[CLOCK_STAMP], const char *p, size_t n, int digits,
    bool lossy, struct as_of_refusal *why)
{
	const int64_t first = calendar_days(1, 1, 1) * DAY;
	const int64_t end = calendar_days(10000, 1, 1) * DAY;
	int64_t time, whole;
	bool more;

	*why = (struct as_of_refusal){ "type", "not a date or time" };
	if (!read_time(p, n, &time, &more))
		return false;
	whole = round_down(time, get_unit(digits));
	why->code = "range";
	why->message = digits == AS_OF_DAYS ?
	    "the column keeps days, but this is not midnight in UTC" :
	    "the column keeps fewer digits of the second";
	if ((more || whole != time) && !lossy)
		return false;
	why->message = "not in the years 1 to 9999 in UTC";
	if (whole < first || whole >= end)
		return false;
	write_time(out, whole, digits);
	return true;
}

/* Parses a text that write_time() has written. */
static int64_t
parse_time(const char *text)
{
	int64_t time = 0;
	bool more;

	(void)read_time(text, strlen(text), &time, &more);
	return time;
}

void
as_of_cut(char text[CLOCK_STAMP], int digits)
{
	write_time(text, round_down(parse_time(text), get_unit(digits)),
	    digits);
}

bool
as_of_next(char text[CLOCK_STAMP], int digits)
{
	int64_t next;

	if (digits == AS_OF_DAYS)
		return true;
	next = parse_time(text) + get_unit(digits);
	if (next >= calendar_days(10000, 1, 1) * DAY)
		return false;
	write_time(text, next, digits);
	return true;
}
