#include "control/letter_line.h"

#include "base/clock.h"
#include "base/text.h"
#include "control/letters.h"
#include "json/number.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SPARE = 128, DIGITS_MAX = 1000, EXPONENT_MAX = 3 };

static const char bad[] = "no reject line";

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

static uint32_t
member(const struct letter_line *l, const char *name, enum json_type type)
{
	uint32_t i = json_member(&l->json, 0, name, strlen(name));

	return i != 0 && l->json.tok[i].type == type ? i : 0;
}

/* The text never moves: it had room for the whole line from the start. */
static struct db_value
text_of(struct letter_line *l, const char *name)
{
	uint32_t i = member(l, name, JSON_STRING);
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
int_of(struct letter_line *l, const char *name, int64_t max)
{
	uint32_t i = member(l, name, JSON_NUMBER);
	int64_t v;

	if (i == 0 || !number_int(l->json.text + l->json.tok[i].at,
	    l->json.tok[i].len, &v) || v < 0 || v > max)
		return db_text(NULL);
	return DB_I(v);
}

/* Base64 has nothing to escape but slashes, which few do. */
static int
coded_get(struct letter_line *l, uint32_t i)
{
	const struct json_tok *t = &l->json.tok[i];

	if ((t->flags & JSON_ESCAPED) == 0)
		return base64_get(&l->text, l->json.text + t->at + 1,
		    t->len - 2);
	buf_clear(&l->scratch);
	json_unescape(&l->scratch, &l->json, i);
	return base64_get(&l->text, l->scratch.data, l->scratch.len);
}

static int
raw_of(struct letter_line *l, struct err *e)
{
	uint32_t plain = member(l, "raw", JSON_STRING);
	uint32_t coded = member(l, "raw_base64", JSON_STRING);
	size_t at = l->text.len;

	if (plain != 0)
		json_unescape(&l->text, &l->json, plain);
	else if (coded == 0)
		return err_set(e, ERR_DATA, false, "%s: no raw", bad);
	else if (coded_get(l, coded) == -1)
		return err_set(e, ERR_DATA, false,
		    "%s: raw_base64 is no base64", bad);
	l->v[LETTER_RAW] = db_bytes(l->text.data + at, l->text.len - at);
	return buf_check(&l->scratch, e);
}

/* Numbers as jsonb takes them for sure: it keeps them as numeric, which has
 * 131072 digits before the point and 16383 after it. */
static bool
numbers_fit(const char *p, size_t n)
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

/* raw_data: the bytes where they are JSON that jsonb can keep. */
static int
data_of(struct letter_line *l, struct err *e)
{
	const struct db_value *raw = &l->v[LETTER_RAW];
	struct json_fault fault;

	if (l->v[LETTER_BYTES].type != DB_NULL)
		return 0;
	if (json_scan(&l->inner, raw->p, raw->len, 0, JSON_LAST,
	    &fault) == -1)
		return fault.nomem ? err_nomem(e) : 0;
	if ((l->inner.flags & (JSON_NUL | JSON_LONE)) != 0 ||
	    !numbers_fit(raw->p, raw->len))
		return 0;
	l->v[LETTER_RAW_DATA] = (struct db_value){ .type = DB_TEXT,
	    .p = raw->p, .len = raw->len };
	return 0;
}

/* strptime(3) also takes blanks and signs, and a year 0, which PostgreSQL does
 * not have. */
static bool
stamp_form(const char *p)
{
	static const char form[] = "0000-00-00T00:00:00";
	bool year = memcmp(p, form, 4) != 0;

	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? p[i] < '0' || p[i] > '9' :
		    p[i] != form[i])
			return false;
	return year;
}

/* A time that a database takes, with six digits, so that such texts sort:
 * false where there is none. */
static bool
stamp_take(char out[CLOCK_STAMP], const struct db_value *v)
{
	struct tm given = { 0 }, same;
	const char *p, *digits = "";
	size_t n = 0;
	time_t t;

	if (v->type != DB_TEXT || v->len < 20 || v->len > 63 ||
	    !stamp_form(v->p) ||
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

static struct db_value
origin_of(struct letter_line *l)
{
	uint32_t i = member(l, "origin", JSON_OBJECT);
	const struct json_tok *t = &l->json.tok[i];
	const char *p = l->text.data + l->text.len;

	if (i == 0)
		return db_text(NULL);
	buf_add(&l->text, l->json.text + t->at, t->len);
	return (struct db_value){ .type = DB_TEXT, .p = p, .len = t->len };
}

static struct db_value
at_of(struct letter_line *l)
{
	struct db_value v = text_of(l, "at");
	char stamp[CLOCK_STAMP];

	if (!stamp_take(stamp, &v))
		clock_stamp(stamp);
	v = (struct db_value){ .type = DB_TEXT,
	    .p = l->text.data + l->text.len, .len = strlen(stamp) };
	buf_add(&l->text, stamp, v.len + 1);
	return v;
}

static int
name_of(struct letter_line *l, enum letter_field f, const char *name,
    struct err *e)
{
	l->v[f] = text_of(l, name);
	if (l->v[f].type == DB_TEXT && l->v[f].len > 0 &&
	    l->v[f].len <= LETTER_NAME)
		return 0;
	return err_set(e, ERR_DATA, false, "%s: no %s, or one too long", bad,
	    name);
}

static struct db_value
or_empty(struct db_value v)
{
	return v.type == DB_NULL ? db_text("") : v;
}

static void
details_of(struct letter_line *l)
{
	l->v[LETTER_PIPELINE] = text_of(l, "pipeline");
	l->v[LETTER_RUN] = text_of(l, "run");
	l->v[LETTER_MESSAGE] = or_empty(text_of(l, "message"));
	l->v[LETTER_POINTER] = text_of(l, "pointer");
	l->v[LETTER_ORIGIN] = origin_of(l);
	l->v[LETTER_SQLSTATE] = text_of(l, "sqlstate");
	l->v[LETTER_HTTP] = int_of(l, "http_status", INT32_MAX);
	l->v[LETTER_RETRYABLE] = DB_I(member(l, "retryable", JSON_TRUE) != 0);
	l->v[LETTER_BYTES] = int_of(l, "bytes", INT64_MAX);
	l->v[LETTER_SHA256] = text_of(l, "sha256");
	l->v[LETTER_AT] = at_of(l);
}

static bool
is_reject(const struct letter_line *l)
{
	uint32_t i = member(l, "@etl", JSON_STRING);

	return i != 0 && l->json.tok[i].len == 8 &&
	    memcmp(l->json.text + l->json.tok[i].at, "\"reject\"", 8) == 0;
}

int
letter_line_read(struct letter_line *l, const char *line, size_t len,
    struct err *e)
{
	struct json_fault fault = { 0 };

	buf_clear(&l->text);
	memset(l->v, 0, sizeof(l->v));
	if (!buf_room(&l->text, len + SPARE))
		return buf_check(&l->text, e);
	if (json_scan(&l->json, line, len, 1, JSON_LAST, &fault) == -1)
		return fault.nomem ? err_nomem(e) :
		    err_set(e, ERR_DATA, false, "%s: %s", bad, fault.why);
	if (l->json.tok[0].type != JSON_OBJECT || !is_reject(l))
		return err_set(e, ERR_DATA, false, "%s", bad);
	if (name_of(l, LETTER_ID, "id", e) == -1 ||
	    name_of(l, LETTER_OCCURRENCE, "occurrence", e) == -1 ||
	    name_of(l, LETTER_STAGE, "stage", e) == -1 ||
	    name_of(l, LETTER_CODE, "code", e) == -1)
		return -1;
	details_of(l);
	if (raw_of(l, e) == -1 || data_of(l, e) == -1)
		return -1;
	return buf_check(&l->text, e);
}
