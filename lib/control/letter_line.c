#include "control/letter_line.h"

#include "base/base64.h"
#include "base/clock.h"
#include "control/letter_ids.h"
#include "control/letters.h"
#include "json/number.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SPARE = 128, DIGITS_MAX = 1000, EXPONENT_MAX = 3 };

static const char bad[] = "not a reject line";

void
letter_line_init(struct letter_line *l)
{
	*l = (struct letter_line){ 0 };
	buf_init(&l->text, SIZE_MAX / 4);
	buf_init(&l->scratch, SIZE_MAX / 4);
}

void
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

/* Returns true if the text starts with a date and time such as
 * 2026-11-20T08:34:00. strptime(3) is not strict enough: it also accepts
 * blanks, signs, and the year 0, which PostgreSQL does not have. */
static bool
has_timestamp(const char *p)
{
	static const char form[] = "0000-00-00T00:00:00";
	bool has_year = memcmp(p, form, 4) != 0;

	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? p[i] < '0' || p[i] > '9' :
		    p[i] != form[i])
			return false;
	return has_year;
}

/* Writes a timestamp with six digits after the seconds, so that sorting
 * timestamps as texts sorts them by time. Returns false if v is not a time that
 * a database accepts. */
static bool
format_timestamp(char out[CLOCK_STAMP], const struct db_value *v)
{
	struct tm given = { 0 }, same;
	const char *p, *digits = "";
	size_t n = 0;
	time_t t;

	if (v->type != DB_TEXT || v->len < 20 || v->len > 63 ||
	    !has_timestamp(v->p) ||
	    (p = strptime(v->p, "%Y-%m-%dT%H:%M:%S", &given)) != v->p + 19)
		return false;
	same = given;
	t = timegm(&same);
	if (*p == '.') {
		digits = p + 1;
		n = strspn(digits, "0123456789");
		p = digits + n;
	}
	if (p[0] != 'Z' || p[1] != '\0' || t == -1 ||
	    same.tm_mday != given.tm_mday || same.tm_sec != given.tm_sec)
		return false;
	(void)snprintf(out, CLOCK_STAMP, "%.19s.000000Z", v->p);
	if (n > 0)
		memcpy(out + 20, digits, n < 6 ? n : 6);
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

static struct db_value
null_to_empty(struct db_value v)
{
	return v.type == DB_NULL ? db_text("") : v;
}

static void
read_optional(struct letter_line *l)
{
	l->v[LETTER_PIPELINE] = read_text(l, "pipeline");
	l->v[LETTER_RUN] = read_text(l, "run");
	l->v[LETTER_STREAM] = read_text(l, "stream");
	l->v[LETTER_TARGET] = read_text(l, "target");
	l->v[LETTER_MESSAGE] = null_to_empty(read_text(l, "message"));
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

int
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
