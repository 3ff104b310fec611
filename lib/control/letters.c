#include "control/letters.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/datetime.h"
#include "base/hash.h"
#include "base/text.h"
#include "control/control.h"
#include "control/letters_impl.h"
#include "json/number.h"
#include "json/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int
letter_find_row(struct db *db, const char *id, int64_t *out, struct err *e)
{
	static const struct id_kind letter = { SQL_LETTER_BY_NUMBER,
	    SQL_LETTER_BY_PREFIX, "0123456789abcdef", "dead letter",
	    "dead letters" };

	return find_row_by_id(db, &letter, id, out, e);
}

/* Fails if an UPDATE changed no row of dead_letters: another command has
 * deleted the row after this command found it. */
static int
check_not_deleted(struct db *db, const char *id, int64_t changed, struct err *e)
{
	return changed == 1 ? 0 : err_set(e, ERR_LIMIT, false, "%s: this dead "
	    "letter was deleted from %s while the command ran", id,
	    db_name(db));
}

int
letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e)
{
	int64_t number, changed = 0;

	if (letter_find_row(db, id, &number, e) == -1)
		return -1;
	struct db_value v[] = { DB_I(number), db_text(status),
	    db_text(reason) };

	if (db_run(db, db_sql(db, SQL_LETTER_CLOSE), v, 3, &changed, e) == -1)
		return -1;
	return check_not_deleted(db, id, changed, e);
}

int
letter_erase(struct db *db, const char *id, struct err *e)
{
	struct db_value v;
	int64_t number, changed = 0;

	if (letter_find_row(db, id, &number, e) == -1)
		return -1;
	v = DB_I(number);
	if (db_run(db, db_sql(db, SQL_LETTER_ERASE), &v, 1, &changed,
	    e) == -1 || check_not_deleted(db, id, changed, e) == -1)
		return -1;
	return db_run(db, db_sql(db, SQL_LETTER_ERASE_TIMES), &v, 1, NULL, e);
}

enum { PART = 1 << 20 };

/* SQLite reads a whole value even if the query asks only for a part of it. So
 * with SQLite the first part is the whole record. */
int
letters_read_raw_part(struct db *db, enum sql_id script,
    const struct db_value v[2], struct buf *raw, size_t len, struct err *e)
{
	size_t want = len - raw->len;
	struct db_rows *r;
	int rc;

	if (db_kind(db) != DB_SQLITE && want > PART)
		want = PART;
	struct db_value all[] = { v[0], v[1], DB_I((int64_t)raw->len + 1),
	    DB_I((int64_t)want) };

	if (db_query(db, &r, db_sql(db, script), all, 4, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		if (db_column(r, 0).len == want)
			buf_add(raw, db_column(r, 0).p, want);
		else
			rc = 0;
	}
	db_end(r);
	return rc;
}

static bool
line_has_id(const struct letter_line *l, const char *id)
{
	const struct db_value *v = &l->v[LETTER_ID];

	return v->len == HASH_HEX - 1 && memcmp(v->p, id, v->len) == 0;
}

/* The loader may compute a reject id from the table and the key of the record;
 * the key is the member "key" of origin. Returns 1 if the line has this id, 0
 * if not, -1 with *e. */
static int
line_has_key_id(struct letter_line *l, const struct reject_place *p,
    struct err *e)
{
	const struct db_value *origin = &l->v[LETTER_ORIGIN];
	struct json_fault fault;
	char id[HASH_HEX];
	uint32_t key;

	if (p->table == NULL || origin->type == DB_NULL)
		return 0;
	if (json_scan(&l->inner, origin->p, origin->len, 1, JSON_LAST,
	    &fault) == -1)
		return fault.nomem ? err_nomem(e) : 0;
	key = json_member_value(&l->inner, 0, "key", 3);
	if (key == 0 || l->inner.tok[key].type != JSON_STRING)
		return 0;
	buf_clear(&l->scratch);
	json_unescape(&l->scratch, &l->inner, key);
	if (buf_check(&l->scratch, e) == -1 ||
	    reject_id_key(id, p, l->scratch.data, l->scratch.len, e) == -1)
		return -1;
	return line_has_id(l, id);
}

/* Computes the id of the line from its other members, as etl-record(5) states.
 * If the line has another id, sets l->v[LETTER_OWN_ID] to the computed one. */
static int
letter_line_own_id(struct letter_line *l, struct err *e)
{
	const struct db_value *v = l->v, *raw = &v[LETTER_RAW];
	const struct reject_place place = { .pipeline = v[LETTER_PIPELINE].p,
		.stream = v[LETTER_STREAM].p, .stage = v[LETTER_STAGE].p,
		.table = v[LETTER_TARGET].p };
	int by_key;

	if (reject_id_record(l->own_id, &place, raw->p, raw->len,
	    v[LETTER_SHA256].p, e) == -1)
		return -1;
	if (line_has_id(l, l->own_id))
		return 0;
	if ((by_key = line_has_key_id(l, &place, e)) != 0)
		return by_key == -1 ? -1 : 0;
	l->v[LETTER_OWN_ID] = db_text(l->own_id);
	return 0;
}

/* Warns that n lines have the id of another record's dead letter, and that they
 * were stored under their computed ids. */
static void
letters_warn_ids(int64_t n)
{
	if (n > 0)
		err_warnf(program_invocation_short_name, "%lld reject line%s "
		    "the id of a dead letter with another record: stored as %s "
		    "with the id of %s own record", (long long)n,
		    n == 1 ? " has" : "s have",
		    n == 1 ? "a letter" : "letters", n == 1 ? "its" : "their");
}

enum { SPARE = 128, DIGITS_MAX = 1000, EXPONENT_MAX = 3 };

static const char bad[] = "not a reject line";

static void
letter_line_init(struct letter_line *l)
{
	*l = (struct letter_line){ 0 };
	buf_init(&l->text, SIZE_MAX / 4);
	buf_init(&l->scratch, SIZE_MAX / 4);
}

static void
letter_line_release(struct letter_line *l)
{
	json_release(&l->json);
	json_release(&l->inner);
	buf_release(&l->text);
	buf_release(&l->scratch);
	*l = (struct letter_line){ 0 };
}

/* Returns the index of the JSON token of the member `name`, or 0 if the line
 * has no such member or its value has another type. */
static uint32_t
line_member(const struct letter_line *l, const char *name, enum json_type type)
{
	uint32_t i = json_member_value(&l->json, 0, name, strlen(name));

	return i != 0 && l->json.tok[i].type == type ? i : 0;
}

/* Reads a member that is a string. The returned value points into l->text,
 * whose memory never moves, because letter_line_parse() reserves room for the
 * whole line. Replaces each NUL of the text by "?". */
static struct db_value
read_text(struct letter_line *l, const char *name)
{
	uint32_t i = line_member(l, name, JSON_STRING);
	size_t at = l->text.len, n;
	char *p;

	if (i == 0)
		return db_text(NULL);
	json_unescape(&l->text, &l->json, i);
	n = l->text.len - at;
	p = l->text.data + at;
	buf_char(&l->text, '\0');
	for (char *nul = p; (nul = memchr(nul, '\0', n - (size_t)(nul - p))) !=
	    NULL; )
		*nul = '?';
	return (struct db_value){ .type = DB_TEXT, .p = p, .len = n };
}

static struct db_value
read_int(struct letter_line *l, const char *name, int64_t max)
{
	uint32_t i = line_member(l, name, JSON_NUMBER);
	int64_t v;

	if (i == 0 || !number_to_int64(l->json.text + l->json.tok[i].at,
	    l->json.tok[i].len, &v) || v < 0 || v > max)
		return db_text(NULL);
	return DB_I(v);
}

/* Decodes a base64 string token into l->text. A string without escapes is
 * decoded straight from the line: of the base64 alphabet only "/" can be
 * escaped in JSON, and few programs do so. */
static int
decode_base64(struct letter_line *l, uint32_t i)
{
	const struct json_tok *t = &l->json.tok[i];

	if ((t->flags & JSON_ESCAPED) == 0)
		return base64_get(&l->text, l->json.text + t->at + 1,
		    t->len - 2);
	buf_clear(&l->scratch);
	json_unescape(&l->scratch, &l->json, i);
	return base64_get(&l->text, l->scratch.data, l->scratch.len);
}

/* Decodes "raw" or "raw_base64" into the value of the column raw. */
static int
decode_raw(struct letter_line *l, struct err *e)
{
	uint32_t plain = line_member(l, "raw", JSON_STRING);
	uint32_t coded = line_member(l, "raw_base64", JSON_STRING);
	size_t at = l->text.len;

	if (plain != 0)
		json_unescape(&l->text, &l->json, plain);
	else if (coded == 0)
		return err_set(e, ERR_DATA, false, "%s: it has no member "
		    "\"raw\" or \"raw_base64\" with the record", bad);
	else if (decode_base64(l, coded) == -1)
		return err_set(e, ERR_DATA, false,
		    "%s: \"raw_base64\" is not valid base64", bad);
	l->v[LETTER_RAW] = db_bytes(l->text.data + at, l->text.len - at);
	return buf_check(&l->scratch, e);
}

/* Returns true only if jsonb can store all numbers of a JSON text. jsonb stores
 * numbers as numeric, which has at most 131072 digits before the point and
 * 16383 after it. The limits here are lower, so that the check stays simple. */
static bool
numbers_fit_jsonb(const char *p, size_t n)
{
	const char *end = p + n;
	size_t digits = 0;
	bool string = false;

	for (; p < end; p++) {
		if (string && *p == '\\')
			p++;
		else if (*p == '"')
			string = !string;
		else if (!string && (*p == 'e' || *p == 'E') && digits > 0) {
			p++;
			p += p < end && (*p == '+' || *p == '-');
			while (p < end && *p == '0')
				p++;
			for (digits = 0; p < end && *p >= '0' && *p <= '9';
			    p++)
				digits++;
			if (digits > EXPONENT_MAX)
				return false;
			digits = 0;
			p--;
		} else if (!string && *p >= '0' && *p <= '9')
			digits++;
		else if (*p != '.')
			digits = 0;
		if (digits > DIGITS_MAX)
			return false;
	}
	return true;
}

/* The column raw_data (jsonb) holds the rejected record as JSON. Sets it to the
 * record's bytes if they are a JSON text that jsonb can store; otherwise it
 * stays NULL. */
static int
set_raw_data(struct letter_line *l, struct err *e)
{
	const struct db_value *raw = &l->v[LETTER_RAW];
	struct json_fault fault;

	if (l->v[LETTER_BYTES].type != DB_NULL)
		return 0;
	if (json_scan(&l->inner, raw->p, raw->len, 0, JSON_LAST,
	    &fault) == -1)
		return fault.nomem ? err_nomem(e) : 0;
	if ((l->inner.flags & (JSON_NUL | JSON_LONE)) != 0 ||
	    !numbers_fit_jsonb(raw->p, raw->len))
		return 0;
	l->v[LETTER_RAW_DATA] = (struct db_value){ .type = DB_TEXT,
	    .p = raw->p, .len = raw->len };
	return 0;
}

/* Writes a timestamp with six digits after the seconds, so that sorting
 * timestamps as texts sorts them by time. Returns false if v is not a time in
 * UTC, such as 2026-11-20T08:34:00Z, that a database accepts. PostgreSQL does
 * not have the year 0. */
static bool
format_timestamp(char out[CLOCK_STAMP], const struct db_value *v)
{
	struct datetime d;

	if (v->type != DB_TEXT || v->len < 20 || v->len > 63 ||
	    datetime_read(&d, v->p, v->len, DATETIME_NO_DIGITS) !=
	    DATETIME_OK ||
	    v->p[10] != 'T' || v->p[v->len - 1] != 'Z')
		return false;
	clock_format(out, datetime_seconds(&d), datetime_micros(&d));
	return true;
}

/* Returns a copy of the member "origin", or NULL if it is no object. */
static struct db_value
copy_origin(struct letter_line *l)
{
	uint32_t i = line_member(l, "origin", JSON_OBJECT);
	const struct json_tok *t = &l->json.tok[i];
	const char *p = l->text.data + l->text.len;

	if (i == 0)
		return db_text(NULL);
	buf_add(&l->text, l->json.text + t->at, t->len);
	return (struct db_value){ .type = DB_TEXT, .p = p, .len = t->len };
}

/* Reads the member "at", the time of the rejection. Uses the current time if
 * the line has no valid time, or one in the future: with such a time the letter
 * would stay the newest one, and etl-dlq purge would keep it. */
static struct db_value
read_timestamp(struct letter_line *l)
{
	struct db_value v = read_text(l, "at");
	char stamp[CLOCK_STAMP], now[CLOCK_STAMP];

	clock_stamp(now);
	if (!format_timestamp(stamp, &v) || strcmp(stamp, now) > 0)
		memcpy(stamp, now, sizeof(stamp));
	v = (struct db_value){ .type = DB_TEXT,
	    .p = l->text.data + l->text.len, .len = strlen(stamp) };
	buf_add(&l->text, stamp, v.len + 1);
	return v;
}

static int
read_name(struct letter_line *l, enum letter_field f, const char *name,
    struct err *e)
{
	l->v[f] = read_text(l, name);
	if (l->v[f].type == DB_TEXT && l->v[f].len > 0 &&
	    l->v[f].len <= LETTER_NAME)
		return 0;
	return err_set(e, ERR_DATA, false, "%s: \"%s\" must be a string of 1 "
	    "to 256 bytes", bad, name);
}

static void
read_optional(struct letter_line *l)
{
	l->v[LETTER_PIPELINE] = read_text(l, "pipeline");
	l->v[LETTER_RUN] = read_text(l, "run");
	l->v[LETTER_STREAM] = read_text(l, "stream");
	l->v[LETTER_TARGET] = read_text(l, "target");
	l->v[LETTER_MESSAGE] = read_text(l, "message");
	if (l->v[LETTER_MESSAGE].type == DB_NULL)
		l->v[LETTER_MESSAGE] = db_text("");
	l->v[LETTER_POINTER] = read_text(l, "pointer");
	l->v[LETTER_ORIGIN] = copy_origin(l);
	l->v[LETTER_SQLSTATE] = read_text(l, "sqlstate");
	l->v[LETTER_HTTP] = read_int(l, "http_status", INT32_MAX);
	l->v[LETTER_RETRYABLE] =
	    DB_I(line_member(l, "retryable", JSON_TRUE) != 0);
	l->v[LETTER_BYTES] = read_int(l, "bytes", INT64_MAX);
	l->v[LETTER_SHA256] = read_text(l, "sha256");
	l->v[LETTER_AT] = read_timestamp(l);
}

static bool
line_is_reject(const struct letter_line *l)
{
	uint32_t i = line_member(l, "@etl", JSON_STRING);

	return i != 0 && l->json.tok[i].len == 8 &&
	    memcmp(l->json.text + l->json.tok[i].at, "\"reject\"", 8) == 0;
}

static int
letter_line_parse(struct letter_line *l, const char *line, size_t len,
    struct err *e)
{
	struct json_fault fault = { 0 };

	buf_clear(&l->text);
	memset(l->v, 0, sizeof(l->v));
	if (!buf_reserve(&l->text, len + SPARE))
		return buf_check(&l->text, e);
	if (json_scan(&l->json, line, len, 1, JSON_LAST, &fault) == -1)
		return fault.nomem ? err_nomem(e) :
		    err_set(e, ERR_DATA, false, "%s: %s", bad, fault.why);
	if (l->json.tok[0].type != JSON_OBJECT || !line_is_reject(l))
		return err_set(e, ERR_DATA, false, "%s", bad);
	if (read_name(l, LETTER_ID, "id", e) == -1 ||
	    read_name(l, LETTER_OCCURRENCE, "occurrence", e) == -1 ||
	    read_name(l, LETTER_STAGE, "stage", e) == -1 ||
	    read_name(l, LETTER_CODE, "code", e) == -1)
		return -1;
	read_optional(l);
	if (decode_raw(l, e) == -1 ||
	    letter_line_own_id(l, e) == -1 ||
	    set_raw_data(l, e) == -1)
		return -1;
	return buf_check(&l->text, e);
}

enum { CHUNK = 64 << 10 };

/* Sends the buffered bytes to the server as data of the running COPY statement
 * and empties the buffer, but only if it holds at least `least` bytes. */
static int
flush_copy(struct db *db, struct buf *b, size_t least, struct err *e)
{
	int rc;

	if (b->len < least)
		return 0;
	if (buf_check(b, e) == -1)
		return -1;
	rc = db_copy_data(db, b->data, b->len, e);
	buf_clear(b);
	return rc;
}

/* Sends the bytes as a hex field of COPY, a part at a time. */
static int
copy_hex_field(struct db *db, struct buf *b, const struct db_value *v,
    struct err *e)
{
	buf_str(b, "\\\\x");
	for (size_t i = 0, n; i < v->len; i += n) {
		n = v->len - i < CHUNK ? v->len - i : CHUNK;
		hex_append(b, v->p + i, n);
		if (flush_copy(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static int
copy_text_field(struct db *db, struct buf *b, const struct db_value *v,
    struct err *e)
{
	const char *p = v->p, *end = v->p + v->len;

	while (p < end) {
		const char *from = p;

		while (p < end && p - from < CHUNK && *p != '\\' &&
		    *p != '\t' && *p != '\n' && *p != '\r')
			p++;
		buf_add(b, from, (size_t)(p - from));
		if (p < end && p - from < CHUNK) {
			buf_str(b, *p == '\t' ? "\\t" : *p == '\n' ? "\\n" :
			    *p == '\r' ? "\\r" : "\\\\");
			p++;
		}
		if (flush_copy(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static bool
is_ascii(const struct db_value *v)
{
	for (size_t i = 0; i < v->len; i++)
		if ((unsigned char)v->p[i] > 0x7f)
			return false;
	return true;
}

/* Called if the encoding of the database, such as LATIN1, cannot hold all
 * characters. Replaces message, pointer and origin by ASCII texts with escapes.
 * The column raw still holds the exact bytes of the rejected record; raw_data,
 * its copy as JSON, becomes NULL if it is not ASCII. Stage, code and pipeline
 * stay as they are. */
static int
reduce_to_ascii(struct letter_line *l, struct buf *b, struct err *e)
{
	static const enum letter_field texts[] = { LETTER_MESSAGE,
	    LETTER_POINTER, LETTER_ORIGIN };
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	size_t at[sizeof(texts) / sizeof(texts[0]) + 1] = { 0 };

	if (l->v[LETTER_RAW_DATA].type == DB_TEXT &&
	    !is_ascii(&l->v[LETTER_RAW_DATA]))
		l->v[LETTER_RAW_DATA] = db_text(NULL);
	buf_clear(b);
	for (size_t i = 0; i < n; i++) {
		struct db_value *v = &l->v[texts[i]];

		if (v->type == DB_TEXT)
			text_put_ascii(b, v->p, v->len);
		at[i + 1] = b->len;
	}
	if (buf_check(b, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (l->v[texts[i]].type == DB_TEXT) {
			l->v[texts[i]].p = b->data + at[i];
			l->v[texts[i]].len = at[i + 1] - at[i];
		}
	return 0;
}

static int
copy_letter(struct db *db, struct buf *b, const struct letter_line *l,
    struct err *e)
{
	int rc = 0;

	for (int i = 0; i < LETTER_N && rc == 0; i++) {
		const struct db_value *v = &l->v[i];

		if (i > 0)
			buf_char(b, '\t');
		if (v->type == DB_NULL)
			buf_str(b, "\\N");
		else if (v->type == DB_INT)
			buf_printf(b, "%" PRId64, v->i);
		else if (v->type == DB_BLOB)
			rc = copy_hex_field(db, b, v, e);
		else
			rc = copy_text_field(db, b, v, e);
	}
	buf_char(b, '\n');
	return rc == 0 ? flush_copy(db, b, CHUNK, e) : rc;
}

/* PostgreSQL: copies reject lines into a temporary table, and later merges all
 * of them into dead_letters with a few statements. */
static int
letters_copy(struct db *db, const struct letter_text *lines, size_t n,
    struct err *e)
{
	struct letter_line l;
	struct buf b, ascii;
	int rc, limited;

	if (db_script(db, db_sql(db, SQL_LETTERS_STAGE), e) == -1 ||
	    (limited = db_lacks_unicode(db, e)) == -1)
		return -1;
	letter_line_init(&l);
	buf_init(&b, SIZE_MAX / 4);
	buf_init(&ascii, SIZE_MAX / 4);
	rc = db_copy_begin(db, db_sql(db, SQL_LETTERS_COPY), e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = letter_line_parse(&l, lines[i].p, lines[i].len, e);
		if (rc == 0 && limited)
			rc = reduce_to_ascii(&l, &ascii, e);
		if (rc == 0)
			rc = copy_letter(db, &b, &l, e);
	}
	if (rc == 0)
		rc = flush_copy(db, &b, 1, e);
	if (rc == 0)
		rc = db_copy_end(db, NULL, e);
	buf_release(&ascii);
	buf_release(&b);
	letter_line_release(&l);
	return rc;
}

/* Merges the rows of the temporary table into dead_letters. Adds the number of
 * new occurrences to *added. Sets *changed to the number of lines that were
 * stored under another id than theirs (letters_warn_ids()). */
static int
merge_letters(struct db *db, const struct db_value *row, int64_t *added,
    int64_t *changed, struct err *e)
{
	int64_t more;

	if (db_run(db, db_sql(db, SQL_LETTERS_LOCK), NULL, 0, NULL, e) == -1 ||
	    db_run(db, db_sql(db, SQL_LETTERS_CHANGE_IDS), NULL, 0, changed,
	    e) == -1 ||
	    db_query_int(db, db_sql(db, SQL_LETTERS_MERGE), row, 1, 0, &more,
	    e) == -1)
		return -1;
	*added += more;
	return 0;
}

/* Copies the letters that the replay resolves to a temporary table. */
static int
copy_replays(struct db *db, const struct letter_replay *v, size_t n,
    struct err *e)
{
	struct db_value id;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	rc = db_copy_begin(db, db_sql(db, SQL_LETTERS_COPY_RESOLVES), e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (v[i].stays)
			continue;
		id = db_text(v[i].id);
		buf_printf(&b, "%zu\t", i);
		rc = copy_text_field(db, &b, &id, e);
		buf_printf(&b, "\t%" PRId64 "\t%" PRId64 "\n", v[i].seen,
		    v[i].upto);
		if (rc == 0)
			rc = flush_copy(db, &b, CHUNK, e);
	}
	if (rc == 0)
		rc = flush_copy(db, &b, 1, e);
	if (rc == 0)
		rc = db_copy_end(db, NULL, e);
	buf_release(&b);
	return rc;
}

/* Resolves the letters of the temporary table, and clears `lost` of those that
 * were found. */
static int
resolve_letters(struct db *db, const struct letter_replays *replays,
    struct err *e)
{
	const struct letter_group *of = &replays->of;
	struct db_value v[] = { db_text(replays->run), db_text(of->pipeline),
	    db_text(of->stream), db_text(of->stage), db_text(of->target) };
	struct db_rows *r;
	int64_t i;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTERS_RESOLVE), v, 5, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		i = db_column(r, 0).i;
		if (i >= 0 && (size_t)i < replays->n)
			replays->v[i].lost = false;
	}
	db_end(r);
	return rc;
}

/* Call this in the transaction in which letters_copy() has copied rows into the
 * temporary table. Without a transaction these rows would be lost at the end of
 * COPY, because the table has ON COMMIT DELETE ROWS. The statement SAVEPOINT,
 * which fails outside a transaction, reports this mistake. */
static int
letters_merge(struct db *db, const struct letter_replays *r, int64_t run_row,
    int64_t *added, struct err *e)
{
	struct db_value row = run_row_or_null(run_row);
	int64_t changed = 0;

	if (db_script(db, db_sql(db, SQL_LETTERS_STAGE), e) == -1 ||
	    (r->n > 0 && copy_replays(db, r->v, r->n, e) == -1) ||
	    db_script(db, db_sql(db, SQL_LETTERS_SAVEPOINT), e) == -1)
		return -1;
	if (merge_letters(db, &row, added, &changed, e) == -1) {
		/* The server may have refused a record's text as jsonb (column
		 * raw_data). A database in the encoding SQL_ASCII does this
		 * with SQLSTATE 0A000, because it cannot convert the escapes of
		 * JSON into characters. */
		if ((!db_fault(db)->data &&
		    strcmp(db_fault(db)->sqlstate, "0A000") != 0) ||
		    db_script(db, db_sql(db, SQL_LETTERS_WITHOUT_JSON), e) ==
			-1 ||
		    merge_letters(db, &row, added, &changed, e) == -1)
			return -1;
	}
	letters_warn_ids(changed);
	if (r->n > 0 && resolve_letters(db, r, e) == -1)
		return -1;
	if (db_script(db, db_sql(db, SQL_LETTERS_CLEAR_STAGE), e) == -1)
		return -1;
	return !db_is_pooled(db) ? 0 :
	    db_script(db, db_sql(db, SQL_LETTERS_DROP_STAGE), e);
}

/* If the id of the line is not the id that is computed from its bytes or its
 * key (LETTER_OWN_ID is set), it may be the id of another record's letter. In
 * that case gives the line the id that is computed from its bytes. */
static int
avoid_other_id(struct db *db, struct letter_line *l, struct err *e)
{
	struct db_value v[] = { l->v[LETTER_ID], l->v[LETTER_RAW],
	    l->v[LETTER_PIPELINE], l->v[LETTER_STREAM], l->v[LETTER_STAGE] };
	int64_t other;

	if (l->v[LETTER_OWN_ID].type == DB_NULL)
		return 0;
	if (db_query_int(db, db_sql(db, SQL_LETTER_IS_OTHER), v, 5, 0, &other,
	    e) == -1)
		return -1;
	if (other) {
		l->v[LETTER_ID] = l->v[LETTER_OWN_ID];
		letters_warn_ids(1);
	}
	return 0;
}

/* Called before the letter's bytes are replaced by those of a new occurrence:
 * copies the present bytes to the earlier occurrences that have them. */
static int
keep_old_bytes(struct db *db, const struct db_value *reject_id, struct err *e)
{
	struct db_rows *r;
	struct buf raw;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTER_BYTES), reject_id, 1, e) ==
	    -1)
		return -1;
	buf_init(&raw, SIZE_MAX / 4);
	if ((rc = db_next(r, e)) == 1)
		buf_add(&raw, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	if (rc == 1 && buf_check(&raw, e) == -1)
		rc = -1;
	if (rc == 1) {
		struct db_value v[] = { *reject_id, { .type = DB_BLOB,
		    .p = raw.data != NULL ? raw.data : "",
		    .len = raw.len } };

		rc = db_run(db, db_sql(db, SQL_LETTER_KEEP_BYTES), v, 2, NULL,
		    e);
	}
	buf_release(&raw);
	return rc == -1 ? -1 : 0;
}

/* An occurrence is one rejection of a record; its id is unique. Returns 1 if
 * the rejection that the line describes was stored, 0 if an earlier call has
 * stored it, and -1 on failure. */
static int
store_occurrence(struct db *db, struct letter_line *l, int64_t run_row,
    struct err *e)
{
	struct db_value v[LETTER_COLUMNS + 1], row = run_row_or_null(run_row);
	enum { NEW, KNOWN, NEW_WITH_OTHER_BYTES };
	int64_t state, id;

	if (avoid_other_id(db, l, e) == -1)
		return -1;
	struct db_value line[] = { l->v[LETTER_OCCURRENCE], l->v[LETTER_ID],
	    l->v[LETTER_RAW] };

	if (db_query_int(db, db_sql(db, SQL_LETTER_STATE), line, 3, 0, &state,
	    e) == -1)
		return -1;
	if (state == KNOWN)
		return 0;
	if (state == NEW_WITH_OTHER_BYTES &&
	    keep_old_bytes(db, &l->v[LETTER_ID], e) == -1)
		return -1;
	memcpy(v, l->v, LETTER_COLUMNS * sizeof(v[0]));
	v[LETTER_COLUMNS] = row;
	if (db_query_int(db, db_sql(db, SQL_LETTER_STORE), v,
	    LETTER_COLUMNS + 1, 0, &id, e) == -1)
		return -1;
	struct db_value attempt[] = { DB_I(id), l->v[LETTER_OCCURRENCE], row,
	    l->v[LETTER_AT], l->v[LETTER_MESSAGE] };

	return db_run(db, db_sql(db, SQL_LETTER_ATTEMPT), attempt, 5, NULL,
	    e) == -1 ? -1 : 1;
}

/* Stores the lines in SQLite at once, and adds the number of new occurrences to
 * *added. */
static int
store_sqlite(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	struct letter_line l;
	int rc = 0;

	letter_line_init(&l);
	for (size_t i = 0; i < n && rc != -1; i++) {
		rc = letter_line_parse(&l, lines[i].p, lines[i].len, e);
		if (rc == 0)
			rc = store_occurrence(db, &l, run_row, e);
		if (rc == 1)
			++*added;
	}
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

/* The rows of dead_letters may be updated in any order: SQLite has one writer
 * at a time, so two loaders cannot deadlock as on PostgreSQL. */
static int
resolve_sqlite(struct db *db, const struct letter_replays *r, struct err *e)
{
	const struct letter_group *of = &r->of;
	int64_t changed;

	for (size_t i = 0; i < r->n; i++) {
		struct letter_replay *one = &r->v[i];
		struct db_value p[] = { db_text(one->id), DB_I(one->seen),
		    DB_I(one->upto), db_text(r->run), db_text(of->pipeline),
		    db_text(of->stream), db_text(of->stage),
		    db_text(of->target) };

		if (one->stays)
			continue;
		if (db_run(db, db_sql(db, SQL_LETTER_RESOLVE), p, 8,
		    &changed, e) == -1)
			return -1;
		one->lost = changed != 1;
	}
	return 0;
}

int
letters_add(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored = 0;

	if (n == 0)
		return 0;
	if (db_kind(db) == DB_POSTGRESQL)
		return letters_copy(db, lines, n, e);
	return store_sqlite(db, lines, n, run_row,
	    added != NULL ? added : &ignored, e);
}

int
letters_add_line(struct db *db, struct buf *line, int64_t run_row,
    int64_t *added, struct err *e)
{
	const struct letter_text text = { line->data, line->len };
	struct letter_line l;
	int rc;

	if (db_kind(db) == DB_POSTGRESQL) {
		rc = letters_copy(db, &text, 1, e);
		buf_release(line);
		return rc;
	}
	letter_line_init(&l);
	rc = letter_line_parse(&l, line->data, line->len, e);
	buf_release(line);
	if (rc == 0)
		rc = store_occurrence(db, &l, run_row, e);
	if (rc == 1 && added != NULL)
		++*added;
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

int
letters_finish(struct db *db, const struct letter_replays *replays,
    int64_t run_row, int64_t *added, struct err *e)
{
	static const struct letter_replays none = { .n = 0 };
	int64_t ignored = 0;

	if (replays == NULL)
		replays = &none;
	for (size_t i = 0; i < replays->n; i++)
		replays->v[i].lost = !replays->v[i].stays;
	if (db_kind(db) == DB_SQLITE)
		return resolve_sqlite(db, replays, e);
	return letters_merge(db, replays, run_row,
	    added != NULL ? added : &ignored, e);
}

int
letters_store(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored;

	if (added == NULL)
		added = &ignored;
	*added = 0;
	if (n == 0)
		return 0;
	if (letters_add(db, lines, n, run_row, added, e) == -1)
		return -1;
	return letters_finish(db, NULL, run_row, added, e);
}

/* Reads the times of n letters, whose ids fit into one parameter. */
static int
read_times_page(struct db *db, const struct letter_replay *v, size_t n,
    size_t first, letter_take_time *take, void *self, struct err *e)
{
	struct db_rows *r = NULL;
	struct db_value ids;
	struct buf b;
	int64_t i;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t k = 0; k < n; k++) {
		buf_char(&b, k == 0 ? '[' : ',');
		json_put_string(&b, v[first + k].id, strlen(v[first + k].id));
	}
	buf_char(&b, ']');
	ids = db_text(buf_text(&b));
	if ((rc = buf_check(&b, e)) == 0)
		rc = db_query(db, &r, db_sql(db, SQL_LETTERS_TIMES), &ids, 1,
		    e);
	if (rc == 0) {
		while ((rc = db_next(r, e)) == 1) {
			i = db_column(r, 0).i;
			if (i >= 0 && (size_t)i < n &&
			    db_column(r, 1).type == DB_TEXT)
				take(self, first + (size_t)i,
				    db_column(r, 1).p);
		}
		db_end(r);
	}
	buf_release(&b);
	return rc;
}

int
letters_read_times(struct db *db, const struct letter_replay *v, size_t n,
    letter_take_time *take, void *self, struct err *e)
{
	enum { PAGE = 1000 };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += PAGE)
		rc = read_times_page(db, v, n - i < PAGE ? n - i : PAGE, i,
		    take, self, e);
	return rc;
}

int
letter_check_line(const char *line, size_t len, struct err *e)
{
	struct letter_line l;
	int rc;

	letter_line_init(&l);
	rc = letter_line_parse(&l, line, len, e);
	letter_line_release(&l);
	return rc;
}
