#include "cursor/cursor.h"

#include "base/clock.h"
#include "base/retry.h"
#include "base/text.h"
#include "control/control.h"
#include "control/statefile.h"
#include "cursor/cursor_value.h"
#include "file/file_format.h"
#include "http/answer.h"
#include "http/url.h"
#include "json/pointer.h"
#include "json/scan.h"
#include "json/write.h"
#include "stream/reject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
cursor_find_option(const struct extract_opts *o)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {
		{ "--cursor-field", o->cursor_field != NULL },
		{ "--since-param", o->since_param != NULL },
		{ "--start", o->start != NULL },
		{ "--since", o->since != NULL },
		{ "--lookback", o->lookback != NULL },
		{ "--until", o->until != NULL },
		{ "--until-param", o->until_param != NULL },
		{ "--ordered", o->ordered },
		{ "--conditional", o->conditional },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return all[i].name;
	return NULL;
}

int
cursor_refuse(const struct extract_opts *o, struct err *e)
{
	const char *name = cursor_find_option(o);

	if (name == NULL)
		name = o->state != NULL ? "--state" :
		    o->db != NULL ? "--db" :
		    o->control_schema != NULL ? "--control-schema" : NULL;
	return name == NULL ? 0 : err_set(e, ERR_USAGE, false,
	    "%s needs --checkpoint", name);
}

static bool
is_query(const struct extract_opts *o)
{
	return o->query != NULL || o->table != NULL;
}

/* Refuses options for URLs if the source is a database: the bounds of an SQL
 * query are its parameters :since and :until. */
static int
refuse_url_options(const struct extract_opts *o, struct err *e)
{
	const char *name = o->since_param != NULL ? "--since-param" :
	    o->conditional ? "--conditional" :
	    o->until_param != NULL ? "--until-param" : NULL;

	if (name == NULL)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s can be used only for a SOURCE "
	    "that is a URL of HTTP: %s", name, o->table != NULL ?
	    "--table sets the bounds itself" :
	    "write :since and :until into the query");
}

static int
check_bounds(const struct extract_opts *o, struct err *e)
{
	const struct {
		const char *name, *text;
	} values[] = {
		{ "--since-param", o->since_param }, { "--start", o->start },
		{ "--since", o->since }, { "--until", o->until },
		{ "--until-param", o->until_param },
	};
	struct lookback lookback;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].text != NULL && *values[i].text == '\0')
			return err_set(e, ERR_USAGE, false,
			    "%s: the value must not be empty", values[i].name);
	if (!is_query(o) && (o->until == NULL) != (o->until_param == NULL))
		return err_set(e, ERR_USAGE, false,
		    "--until and --until-param must be given together");
	if (o->until_param != NULL &&
	    strcmp(o->until_param, o->since_param) == 0)
		return err_set(e, ERR_USAGE, false,
		    "--since-param and --until-param: both name the parameter "
		    "%s: give two different names", o->since_param);
	if (o->lookback != NULL &&
	    lookback_parse(&lookback, o->lookback) == -1)
		return err_set(e, ERR_USAGE, false, "--lookback %s: must be a "
		    "duration such as 5m, or a whole number", o->lookback);
	return 0;
}

int
cursor_check_store(const struct extract_opts *o, struct err *e)
{
	const char *path;

	if (o->state != NULL && o->db != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--state and --db: give only one of them, the place where "
		    "the checkpoint is stored");
	if (o->state != NULL && o->control_schema != NULL)
		return err_set(e, ERR_USAGE, false, "--state and "
		    "--control-schema: a state file has no schema: give only "
		    "one of them");
	return o->state == NULL ? 0 : statefile_parse(&path, o->state, e);
}

int
cursor_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
{
	if (o->checkpoint == NULL)
		return cursor_refuse(o, e);
	if (o->each != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--checkpoint cannot be used with --each: remove one of "
		    "them");
	if (checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
	    -1)
		return -1;
	if (n > 0 && !is_query(o) && !scheme_is_present(uri[0]))
		return err_set(e, ERR_USAGE, false, "--checkpoint: the SOURCE "
		    "must be one URL; for files, also give --new-files");
	if (o->cursor_field == NULL ||
	    (o->since_param == NULL && !is_query(o)))
		return err_set(e, ERR_USAGE, false, is_query(o) ?
		    "--checkpoint needs --cursor-field" :
		    "--checkpoint needs --cursor-field and --since-param");
	if (is_query(o) && refuse_url_options(o, e) == -1)
		return -1;
	if (*o->cursor_field == '\0' || !pointer_is_valid(o->cursor_field))
		return err_set(e, ERR_USAGE, false, "--cursor-field %s: not a "
		    "JSON Pointer, such as /updated_at", o->cursor_field);
	if (n != 1 || (!is_query(o) && strstr(uri[0], "://") == NULL))
		return err_set(e, ERR_USAGE, false,
		    "--checkpoint needs exactly one SOURCE, which must be a "
		    "URL");
	return check_bounds(o, e) == -1 ? -1 : cursor_check_store(o, e);
}

/* Reads the cursor of each record (--cursor-field) and checks that all cursors
 * of a run are of one kind (a time, a number, another string), so that they can
 * be compared.
 * Borrows: pointer and stored, as long as cursor_field_read() is called.
 * Gives: cursor_field_read() returns 1 with the cursor in f->text, or 0 with
 *        the reason in *r if the record must be rejected.
 * Fails: ERR_CONFIG if the value cannot be compared with those before it. */

struct cursor_field {
	const char *pointer;    /* JSON Pointer of --cursor-field */
	const char *stored;     /* the stored checkpoint, or NULL */
	enum value_kind expected; /* kind of the stored checkpoint, else of
				 * --since or --start */
	enum value_kind kind;   /* kind of this run; VALUE_NONE until a record
				 * has decided it */
	uint64_t missing;       /* records without a cursor */
	uint64_t wrong_kind;    /* records rejected because a time is expected
				 * and the cursor is a number, or the reverse */
	struct buf text;        /* the cursor of the last record */
	char why[256];          /* message of the last reject */
};

enum { VALUE_MAX = 1024 };

/* Sets f->expected, the kind (time, number or other text) that the cursor
 * values of the records should have: the kind of the stored checkpoint. If
 * there is no stored checkpoint, the value of --since or --start (`given`)
 * decides, but only if this value is a time or a number. Other text decides
 * nothing: the user may give only a date, such as 2024-01-31, for a cursor
 * that is a time. */
static void
cursor_field_init(struct cursor_field *f, const char *pointer,
    const char *stored, const char *given)
{
	f->pointer = pointer;
	f->stored = stored;
	if (stored != NULL)
		given = stored;
	f->expected = given == NULL ? VALUE_NONE :
	    value_kind(given, strlen(given));
	if (stored == NULL && f->expected == VALUE_TEXT)
		f->expected = VALUE_NONE;
	if (f->expected == VALUE_TIME)
		f->kind = VALUE_TIME;
	buf_init(&f->text, VALUE_MAX);
}

/* Sets the reason in *r why a record is rejected: the code, the JSON Pointer of
 * the cursor, and a message: the pointer, then `what` and `more`. Returns 0. */
static int
reject_cursor(struct cursor_field *f, struct reject *r, const char *code,
    const char *what, const char *more)
{
	r->code = code;
	r->pointer = f->pointer;
	r->message = f->why;
	(void)snprintf(f->why, sizeof(f->why), "%.120s: %s%s", f->pointer,
	    what, more);
	return 0;
}

/* Copies the cursor value of a record, which is the JSON token i, into f->text.
 * Returns 1; or 0 with the reason in *r if the value cannot be a cursor, such
 * as null, an object or a text of more than 1024 bytes. */
static int
copy_cursor_text(struct cursor_field *f, const struct json *j, uint32_t i,
    struct reject *r, struct err *e)
{
	const struct json_tok *t = &j->tok[i];

	buf_clear(&f->text);
	if (t->type == JSON_NULL)
		return reject_cursor(f, r, "required", "null, but each record "
		    "must have a cursor",
		    "");
	if (t->type != JSON_NUMBER && t->type != JSON_STRING)
		return reject_cursor(f, r, "type", json_type_name(t->type),
		    ", but the cursor must be a number or a string");
	if ((t->flags & (JSON_NUL | JSON_LONE)) != 0 &&
	    t->type == JSON_STRING)
		return reject_cursor(f, r, "encoding",
		    "cannot be stored: it has "
		    "a NUL character or half of a surrogate pair",
		    "");
	if (t->len > 6 * VALUE_MAX)
		return reject_cursor(f, r, "range", "longer than 1024 bytes, "
		    "which is too long for a cursor",
		    "");
	if (t->type == JSON_NUMBER)
		buf_add(&f->text, j->text + t->at, t->len);
	else
		json_unescape(&f->text, j, i);
	if (f->text.full) {
		f->text.failed = f->text.full = false;
		return reject_cursor(f, r, "range", "longer than 1024 bytes, "
		    "which is too long for a cursor",
		    "");
	}
	if (buf_check(&f->text, e) == -1)
		return -1;
	return f->text.len > 0 ? 1
	    : reject_cursor(f, r, "required",
	    "empty, but each record must have "
	    "a cursor",
				     "");
}

/* Sets f->kind, the kind (time, number or other text) that all cursor values of
 * this run must have, from the first cursor value. A JSON string of digits has
 * the kind text, even if the stored checkpoint looks like a number: that
 * checkpoint may also have come from a string of digits. Returns 1; or 0
 * without setting f->kind if a number is expected, but the value is a string
 * that does not look like a number: the caller then rejects the record. */
static int
set_first_kind(struct cursor_field *f, enum value_kind found, bool string,
    struct err *e)
{
	char stored[VALUE_SHOWN];

	if (f->expected == VALUE_NUMBER && string && found != VALUE_NUMBER)
		return 0;
	f->kind = string && found == VALUE_NUMBER ? VALUE_TEXT : found;
	if (f->stored != NULL && f->kind != VALUE_TEXT &&
	    f->expected != f->kind)
		return err_set(e, ERR_CONFIG, false,
		    "the stored checkpoint is "
		    "%s, '%.200s', but %.64s is %s: give --checkpoint another "
		    "name, or change the stored value with etl-checkpoint set",
		    value_kind_name(f->expected), value_show(stored, f->stored,
		    strlen(f->stored)), f->pointer, value_kind_name(f->kind));
	return 1;
}

static int
fail_mixed_kinds(const struct cursor_field *f, enum value_kind found,
    struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%.64s is a string in one record "
	    "and %s in another, and the two cannot be compared: all values "
	    "must have the type of the value of --start, or of the stored "
	    "checkpoint", f->pointer, value_kind_name(found));
}

/* Checks that the cursor value in f->text has the same kind (time, number or
 * other text) as the cursor values of all records before it. Returns 1; or 0
 * with the reason in *r if the record must be rejected. Fails if the run must
 * end, because strings and other values are mixed. The first cursor value sets
 * this kind. */
static int
match_kind(struct cursor_field *f, enum value_kind found, bool string,
    struct reject *r, struct err *e)
{
	int rc = 1;

	if (f->kind == VALUE_NONE)
		rc = set_first_kind(f, found, string, e);
	if (rc == -1)
		return -1;
	if (f->kind == VALUE_TEXT && (!string || found == VALUE_TIME))
		return fail_mixed_kinds(f, found, e);
	if (rc == 1 && (f->kind == VALUE_TEXT || (f->kind == found &&
	    string == (found == VALUE_TIME))))
		return 1;
	f->wrong_kind += f->expected != VALUE_NONE &&
	    (f->expected == VALUE_TIME ? !string : found == VALUE_TIME);
	return reject_cursor(f, r, "type", f->kind == VALUE_TIME ||
	    f->expected == VALUE_TIME ? "not a time with an offset "
	    "(RFC 3339), but the cursor is a time" :
	    "not a number, but the cursor is a number", "");
}

static int
cursor_field_read(struct cursor_field *f, const struct json *j,
    struct reject *r, struct err *e)
{
	enum value_kind found;
	bool string;
	uint32_t i;
	int rc;

	if (!pointer_find(j, f->pointer, &i)) {
		f->missing++;
		return reject_cursor(f, r, "required",
		    "missing, but each record "
		    "must have a cursor",
		    "");
	}
	if ((rc = copy_cursor_text(f, j, i, r, e)) != 1)
		return rc;
	string = j->tok[i].type == JSON_STRING;
	found = value_kind(f->text.data, f->text.len);
	if (!string && found != VALUE_NUMBER)
		return reject_cursor(f, r, "range", "has an exponent of more "
		    "than 17 digits, which is too large to compare",
		    "");
	return match_kind(f, found, string, r, e);
}

struct opening {
	const struct extract_opts *o;
	struct db *db;
};

static int
open_database(void *self, struct err *e)
{
	struct opening *op = self;

	return control_open_tables(&op->db, op->o->db, op->o->control_schema,
	    true, e);
}

/* If the server refuses the connection for a reason that may pass, such as too
 * many connections, tries again as --retries says. */
static int
open_with_retries(struct db **db, const struct extract_opts *o, struct err *e)
{
	struct retry retry = { .max = o->retries };
	struct opening op = { .o = o };

	if (retry_parse(&retry, o->backoff, e) == -1 ||
	    retry_call(&retry, open_database, &op, e) == -1)
		return -1;
	*db = op.db;
	return 0;
}

/* Reads the version of the checkpoint before the files of --new-files. If
 * another run stores files in between, this run has the old version, and the
 * loader refuses to move the checkpoint. */
static int
read_from_db(const struct extract_opts *o, char **stored, int64_t *version,
    file_state_each *each, void *self, struct err *e)
{
	struct db *db;
	int rc;

	err_note("etl-extract", db_url_notice(o->db));
	if (open_with_retries(&db, o, e) == -1)
		return -1;
	rc = checkpoint_read(db, o->checkpoint, stored, version, e);
	if (rc == 0 && each != NULL)
		rc = files_read(db, o->checkpoint, each, self, e);
	db_close(db);
	return rc;
}

int
cursor_stored_files(const struct extract_opts *o, char **stored,
    int64_t *version, file_state_each *each, void *self, struct err *e)
{
	const char *path;

	if (o->state == NULL)
		return read_from_db(o, stored, version, each, self, e);
	if (statefile_parse(&path, o->state, e) == -1 ||
	    statefile_read(path, o->checkpoint, stored, version, e) == -1)
		return -1;
	return each == NULL ? 0 :
	    statefile_read_files(path, o->checkpoint, each, self, e);
}

int
cursor_stored_read(const struct extract_opts *o,
    char **stored, int64_t *version, struct err *e)
{
	return cursor_stored_files(o, stored, version, NULL, NULL, e);
}

/* Reads the validators (cursor.c) that are stored with the checkpoint, or
 * sets *validators to NULL. */
static int
cursor_stored_validators(const struct extract_opts *o, char **validators,
    struct err *e)
{
	const char *path;
	struct db *db;
	int rc;

	if (o->state != NULL)
		return statefile_parse(&path, o->state, e) == -1 ? -1 :
		    statefile_validators(
			path, o->checkpoint, validators, e);
	if (open_with_retries(&db, o, e) == -1)
		return -1;
	rc = checkpoint_validators(db, o->checkpoint, validators, e);
	db_close(db);
	return rc;
}

enum { LEVELS = 2 };

/* Of these headers, only the first one that an answer has is used. If a request
 * has If-None-Match, a service ignores If-Modified-Since (RFC 9110, 13.1.3). */
static const struct {
	const char *member, *answer_header, *request_header;
} kinds[] = {
	{ "etag", "ETag", "If-None-Match" },
	{ "last_modified", "Last-Modified", "If-Modified-Since" },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool
is_header_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	return n > 0 && utf8_valid_length(p, n) == n;
}

/* Appends the header of the first stored validator that a header can contain,
 * or nothing. */
static void
put_condition(struct buf *header, const struct json *j, uint32_t entry)
{
	for (size_t k = 0; k < KINDS; k++) {
		uint32_t i = json_member_value(j, entry, kinds[k].member,
		    strlen(kinds[k].member));
		size_t before;

		if (i == 0 || j->tok[i].type != JSON_STRING)
			continue;
		buf_printf(header, "%s: ", kinds[k].request_header);
		before = header->len;
		json_unescape(header, j, i);
		if (is_header_value(header->data + before,
		    header->len - before))
			return;
		buf_clear(header);
	}
}

static int
validators_put_header(struct buf *header, const char *validators,
    const char *url, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	uint32_t entry = 0;

	if (json_scan(&j, validators, strlen(validators), LEVELS, JSON_LAST,
	    &f) == 0 && j.tok[0].type == JSON_OBJECT)
		entry = json_member_value(&j, 0, url, strlen(url));
	if (entry != 0 && j.tok[entry].type == JSON_OBJECT)
		put_condition(header, &j, entry);
	json_release(&j);
	return f.nomem ? err_nomem(e) : buf_check(header, e);
}

/* Appends the ETag or Last-Modified value of an answer, or nothing if the
 * answer has neither. */
static int
validators_put_answer(struct buf *validators, const char *url,
    const struct http_answer *a, struct err *e)
{
	const char *v;
	size_t n;

	for (size_t k = 0; k < KINDS; k++) {
		if (!http_find_header(a, kinds[k].answer_header, &v, &n) ||
		    !is_header_value(v, n))
			continue;
		buf_char(validators, '{');
		json_put_string(validators, url, strlen(url));
		buf_str(validators, ":{");
		json_put_member(validators, kinds[k].member, v, n);
		buf_str(validators, "}}");
		break;
	}
	return buf_check(validators, e);
}

struct cursor {
	const struct extract_opts *o;
	char *stored;           /* the stored checkpoint, or NULL */
	char *validators;       /* stored with the checkpoint, or NULL */
	struct buf new_validators;      /* of this run; empty: none */
	int64_t version;        /* of the stored checkpoint */
	struct cursor_field field;
	struct buf lower_bound; /* of the first request; empty: none */
	struct buf highest;     /* highest value so far; empty: none */
	bool bound_each_page;   /* --paginate since: the lower bound of a page
				 * is the highest value before it */
	bool ordered;           /* the service sorts by the cursor */
	bool orders_itself;     /* it does so without --ordered */
	bool times_are_unordered;
	bool has_risen;         /* highest has risen since the last request */
	bool unmarked;          /* highest has risen since the last mark */
	bool page_began;        /* a page began since the last call of
				 * write_due_mark() */
	bool marks_are_held;    /* see cursor_hold_marks() */ bool has_warned;
	uint64_t page;          /* page of the last record */
	uint64_t accepted;      /* records whose cursor was accepted */
	uint64_t since_mark;    /* such records since the last mark */
	uint64_t risen_at;      /* index on its page of the record at which
				 * highest last rose */
	int64_t marked_at;      /* time of the last mark, clock_ms() */
};

/* Makes the key under which the ETag or Last-Modified value is stored: the URL
 * of the request without the parameter of --since-param. */
static int
make_url_key(const struct cursor *c, const struct request *r, struct buf *key,
    struct err *e)
{
	buf_init(key, r->url.max);
	buf_add(key, r->url.data, r->url.len);
	query_remove(key, c->o->since_param, strlen(c->o->since_param));
	(void)buf_text(key);
	return buf_check(key, e);
}

int
cursor_put_condition(struct cursor *c, struct request *r, struct err *e)
{
	struct buf key;
	int rc;

	if (c->validators == NULL || c->o->since != NULL)
		return 0;
	rc = make_url_key(c, r, &key, e);
	if (rc == 0)
		rc = validators_put_header(&r->condition, c->validators,
		    key.data, e);
	buf_release(&key);
	return rc;
}

int
cursor_note_validators(struct cursor *c, const struct request *r,
    const struct http_answer *a, struct err *e)
{
	struct buf key;
	int rc;

	if (!c->o->conditional)
		return 0;
	if (a->is_unchanged) {
		buf_str(&c->new_validators, c->validators);
		return buf_check(&c->new_validators, e);
	}
	rc = make_url_key(c, r, &key, e);
	if (rc == 0)
		rc = validators_put_answer(&c->new_validators, key.data, a, e);
	buf_release(&key);
	return rc;
}

static int
cursor_fail_kind(const struct cursor_field *f, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "the cursor value that is stored "
	    "or given is %s, but no record has such a value in %.64s: check "
	    "that --cursor-field and --checkpoint belong together",
	    value_kind_name(f->expected), f->pointer);
}

/* True if the highest cursor value that this run has read is above the stored
 * checkpoint. Otherwise a checkpoint mark (a line that tells the loader to
 * store this value) would not move the stored checkpoint forward. */
static bool
cursor_is_past(const struct cursor *c)
{
	return c->stored == NULL || value_compare(c->field.kind,
	    c->highest.data, c->highest.len, c->stored,
	    strlen(c->stored)) > 0;
}

static int
cursor_write_mark(struct cursor *c, struct stage *s, const char *value,
    const char *validators, struct err *e)
{
	const struct checkpoint_mark m = { .name = c->o->checkpoint,
	    .value = value, .from = c->stored,
	    .version = (uint64_t)c->version, .validators = validators };

	c->unmarked = false;
	c->since_mark = 0;
	c->marked_at = clock_ms();
	return stage_checkpoint(s, &m, e);
}

/* Only this last mark contains the validators of the first page, because only
 * now all pages have been read. If only the validators have changed, the mark
 * contains the stored cursor value. Writes the last checkpoint mark if the
 * highest cursor value or the validators have changed. */
static int
write_last_mark(struct cursor *c, struct stage *s, struct err *e)
{
	bool risen = c->highest.len > 0 && cursor_is_past(c);
	const char *value = risen ? buf_text(&c->highest) : c->stored;
	const char *validators = NULL;

	if (c->new_validators.len > 0)
		validators = buf_text(&c->new_validators);
	if (buf_check(&c->new_validators, e) == -1 ||
	    buf_check(&c->highest, e) == -1)
		return -1;
	if (!(c->unmarked && risen) && (value == NULL || validators == NULL ||
	    (c->validators != NULL && strcmp(c->validators, validators) == 0)))
		return 0;
	return cursor_write_mark(c, s, value, validators, e);
}

int
cursor_finish(struct cursor *c, struct stage *s, struct err *e)
{
	const struct cursor_field *f = &c->field;

	stage_set_version(s, (uint64_t)c->version);
	if (c->accepted == 0 && f->missing > 0 && f->wrong_kind == 0)
		err_warnf("etl-extract", "%.64s is not in any of %llu "
		    "records, so all of them are rejected: check "
		    "--cursor-field", f->pointer,
		    (unsigned long long)f->missing);
	if (c->accepted == 0 && f->wrong_kind > 0)
		return cursor_fail_kind(f, e);
	return write_last_mark(c, s, e);
}

enum {
	BOUND_MAX = 64 << 10,           /* bytes of the longest bound */
	VALIDATORS_MAX = 256 << 10
};

void
cursor_free(struct cursor *c)
{
	if (c == NULL)
		return;
	buf_release(&c->field.text);
	buf_release(&c->lower_bound);
	buf_release(&c->highest);
	buf_release(&c->new_validators);
	free(c->stored);
	free(c->validators);
	free(c);
}

unsigned
cursor_levels(const struct extract_opts *o)
{
	return o->cursor_field == NULL ? 0 : pointer_count(o->cursor_field);
}

static int
compare_values(const struct cursor *c, const char *a, size_t n, const char *b)
{
	return value_compare(c->field.kind, a, n, b, strlen(b));
}

/* Warns if the time or number of --since is above the stored checkpoint (the
 * cursor value up to which earlier runs have loaded all records): the records
 * between the two are then not read. The user may want this, but should not do
 * it by accident. */
static void
warn_since_skips(const struct cursor *c)
{
	const char *stored = c->stored, *since = c->o->since;
	enum value_kind k;

	if (stored == NULL || since == NULL)
		return;
	k = value_kind(stored, strlen(stored));
	if (k != VALUE_TEXT && k == value_kind(since, strlen(since)) &&
	    value_compare(k, since, strlen(since), stored,
	    strlen(stored)) > 0)
		err_warnf("etl-extract", "--since: %.200s is after the stored "
		    "checkpoint: the records between the two are not read",
		    since);
}

/* Sets the lowest cursor value that the first request asks for: --since, else
 * the stored checkpoint less --lookback, else --start. */
static int
set_lower_bound(struct cursor *c, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct lookback lookback;

	if (o->since == NULL && c->stored != NULL && o->lookback != NULL) {
		(void)lookback_parse(&lookback, o->lookback);
		return value_look_back(&c->lower_bound, c->stored, &lookback,
		    e);
	}
	if (o->since != NULL || c->stored != NULL || o->start != NULL)
		buf_str(&c->lower_bound, o->since != NULL ? o->since :
		    c->stored != NULL ? c->stored : o->start);
	return buf_check(&c->lower_bound, e);
}

int
cursor_open(struct cursor **to, const struct extract_opts *o, struct err *e)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->o = o;
	buf_init(&c->lower_bound, BOUND_MAX);
	buf_init(&c->highest, BOUND_MAX);
	buf_init(&c->new_validators, VALIDATORS_MAX);
	c->bound_each_page = o->paginate != NULL &&
	    strcmp(o->paginate, "since") == 0;
	c->ordered = o->ordered || c->bound_each_page;
	if (cursor_stored_read(o, &c->stored, &c->version, e) == -1 ||
	    (o->conditional && cursor_stored_validators(o, &c->validators,
	    e) == -1) ||
	    set_lower_bound(c, e) == -1) {
		cursor_free(c);
		return -1;
	}
	cursor_field_init(&c->field, o->cursor_field, c->stored,
	    o->since != NULL ? o->since : o->start);
	warn_since_skips(c);
	/* Start the time of MARK_MS here: waiting for the database must not
	 * make the first mark due. */
	c->marked_at = clock_ms();
	*to = c;
	return 0;
}

int
cursor_put_bounds(struct cursor *c, struct buf *url, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct buf *since = c->bound_each_page && c->highest.len > 0 ?
	    &c->highest : &c->lower_bound;

	c->has_risen = false;
	if (since->len > 0)
		query_set(url, o->since_param, strlen(o->since_param),
		    buf_text(since));
	if (o->until != NULL)
		query_set(url, o->until_param, strlen(o->until_param),
		    o->until);
	return buf_check(url, e);
}

void
cursor_get_bounds(struct cursor *c, const char **since, const char **until)
{
	*since = c->lower_bound.len > 0 ? buf_text(&c->lower_bound) : NULL;
	*until = c->o->until;
}

void
cursor_set_ordered(struct cursor *c)
{
	c->ordered = c->orders_itself = true;
}

void
cursor_distrust_times(struct cursor *c)
{
	c->times_are_unordered = true;
}

/* True if the source sorts its records by the cursor value. */
static bool
is_in_order(const struct cursor *c)
{
	return c->ordered &&
	    !(c->times_are_unordered && c->field.kind == VALUE_TIME);
}

bool
cursor_has_risen(const struct cursor *c)
{
	return c->has_risen;
}

uint64_t
cursor_risen_at(const struct cursor *c)
{
	return c->has_risen ? c->risen_at : 0;
}

static const char *
show_highest(const struct cursor *c, char out[VALUE_SHOWN])
{
	return value_show(out, c->highest.data, c->highest.len);
}

int
cursor_fail_stuck(const struct cursor *c, const char *page, uint64_t most,
    struct err *e)
{
	char value[VALUE_SHOWN];

	if (c->highest.len == 0 && c->field.wrong_kind > 0)
		return cursor_fail_kind(&c->field, e);
	if (c->highest.len == 0)
		return err_set(e, ERR_CONFIG, false, "%s: cannot page further: "
		    "no record of the page has the member %.64s: check "
		    "--cursor-field", page, c->o->cursor_field);
	if (most > 0)
		return err_set(e, ERR_PEER, true, "%.200s: cannot page "
		    "further: all records of this page have the cursor value "
		    "'%.200s', more records may have it, and the service seems "
		    "to return at most %llu records a page, fewer than --size "
		    "requests: raise its limit, or request the pages by number "
		    "with --paginate page, or name a --cursor-field whose "
		    "values differ", page, show_highest(c, value),
		    (unsigned long long)most);
	return err_set(e, ERR_CONFIG, false, "%.200s: cannot page further: all "
	    "records of a full page have the cursor value '%.200s', and more "
	    "records may have it: raise the page size with --size, or request "
	    "the pages by number with --paginate page, or name a "
	    "--cursor-field whose values differ; if your records have "
	    "different values, the service ignores the parameter %.64s: check "
	    "--since-param", page, show_highest(c, value), c->o->since_param);
}

void
cursor_hold_marks(struct cursor *c, bool holds)
{
	c->marks_are_held = holds;
}

/* Called before a record with a cursor value above c->highest is written. If
 * the service sorts the records by the cursor, all records up to c->highest
 * have then been written. So this function may write a checkpoint mark (a line
 * that tells the loader to store this value as checkpoint). Writes at most one
 * mark for each page, and none if the last mark is recent. */
static int
write_due_mark(struct cursor *c, struct stage *s, struct err *e)
{
	if (!c->page_began || c->marks_are_held || !is_in_order(c))
		return 0;
	c->page_began = false;
	if ((c->since_mark < MARK_RECORDS &&
	    clock_ms() - c->marked_at < MARK_MS) || !cursor_is_past(c))
		return 0;
	return cursor_write_mark(c, s, buf_text(&c->highest), NULL, e);
}

/* Sets the error for a record whose cursor value is lower than that of a record
 * before it, although the service should sort its records in ascending order.
 * The loader may already have stored a checkpoint above records that were not
 * read. So the message names the etl-checkpoint command that restores the
 * checkpoint which was stored before this run. */
static int
fail_unordered(const struct cursor *c, const struct item *it, struct err *e)
{
	const char *stored = c->stored == NULL ? "" : c->stored;
	char highest[VALUE_SHOWN], found[VALUE_SHOWN], restored[VALUE_SHOWN];

	char page[32] = "";

	if (it->page > 0)
		(void)snprintf(page, sizeof(page), "page %llu, ",
		    (unsigned long long)it->page);
	return err_set(e, ERR_PEER, false,
	    "%srecord %llu: the cursor %.64s falls from %.200s to %.200s, so "
	    "the records are not in ascending order: %s, and restore the "
	    "checkpoint with etl-checkpoint %s %.64s%s%.200s",
	    page, (unsigned long long)it->index,
	    c->o->cursor_field, show_highest(c, highest),
	    value_show(
	    found, c->field.text.data, c->field.text.len),
	    c->bound_each_page
	    ? "--paginate since needs ascending order; page in another way"
	    : c->orders_itself ? "read the table with --query"
	    : "leave out --ordered",
	    c->stored == NULL ? "clear" : "set", c->o->checkpoint,
	    c->stored == NULL ? "" : " ",
	    value_show(restored, stored, strlen(stored)));
}

/* Warns once if a record has a lower cursor value than the request asked for
 * with the query parameter of --since-param. The service then probably ignores
 * this parameter, and would return all its records in each run. */
static void
warn_below_bound(struct cursor *c)
{
	const struct buf *v = &c->field.text, *bound = &c->lower_bound;

	if (c->has_warned || bound->len == 0 || c->field.kind == VALUE_TEXT ||
	    value_kind(bound->data, bound->len) != c->field.kind ||
	    compare_values(c, v->data, v->len, buf_text(&c->lower_bound)) >= 0)
		return;
	c->has_warned = true;
	if (c->o->since_param == NULL) {
		err_warnf("etl-extract", "%s is %.200s in a record, which is "
		    "before the lower bound %.200s: check that the query "
		    "compares with >= :since", c->o->cursor_field,
		    buf_text(&c->field.text), buf_text(&c->lower_bound));
		return;
	}
	err_warnf("etl-extract", "%s is %.200s in a record, which is before "
	    "the requested %s=%.200s: check that the service knows this "
	    "parameter",
	    c->o->cursor_field, buf_text(&c->field.text), c->o->since_param,
	    buf_text(&c->lower_bound));
}

int
cursor_advance(struct cursor *c, struct stage *s, const struct item *it,
    const struct json *j, struct reject *r, struct err *e)
{
	struct buf *v = &c->field.text;
	int rc = cursor_field_read(&c->field, j, r, e), order = 1;

	if (rc != 1)
		return rc;
	warn_below_bound(c);
	if (c->highest.len > 0)
		order = compare_values(c, v->data, v->len,
		    buf_text(&c->highest));
	if (order < 0 && is_in_order(c))
		return fail_unordered(c, it, e);
	c->page_began |= c->accepted > 0 &&
	    (it->page != c->page || it->page == 0);
	c->page = it->page;
	if (order > 0) {
		if (c->accepted > 0 && write_due_mark(c, s, e) == -1)
			return -1;
		buf_clear(&c->highest);
		buf_add(&c->highest, v->data, v->len);
		if (buf_check(&c->highest, e) == -1)
			return -1;
		c->has_risen = c->unmarked = true;
		c->risen_at = it->index;
	}
	c->accepted++;
	c->since_mark++;
	return 1;
}
