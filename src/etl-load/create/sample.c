#include "create/sample.h"

#include "base/clock.h"
#include "create/value_kinds.h"
#include "json/pointer.h"
#include "json/write.h"
#include "table/name_list.h"

#include <string.h>

enum { LEVELS_OF_CHANGE = 3 };

void
sample_init(struct sample *s, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates)
{
	*s = (struct sample){ .o = o, .mode = mode, .duplicates = duplicates };
	keyset_init(&s->columns);
	buf_init(&s->name, SIZE_MAX / 4);
}

void
sample_release(struct sample *s)
{
	keyset_release(&s->columns);
	json_release(&s->json);
	buf_release(&s->name);
}

int
sample_add_kinds(struct sample *s, const char *name, size_t len, unsigned kinds,
    struct err *e)
{
	uint32_t *bits = keyset_value(&s->columns, name, len, e);

	if (bits != NULL)
		*bits |= kinds;
	return bits == NULL ? -1 : 0;
}

int
sample_set_kinds(struct sample *s, const char *name, unsigned kinds,
    struct err *e)
{
	uint32_t *bits = keyset_value(&s->columns, name, strlen(name), e);

	if (bits != NULL)
		*bits = kinds;
	return bits == NULL ? -1 : 0;
}

const char *
sample_get_name(const struct sample *s, size_t i, size_t *len)
{
	*len = s->columns.v[i].len;
	return s->columns.bytes.data + s->columns.v[i].at;
}

/* True if the member is an array whose elements are rows of another table. */
static bool
is_nested(struct sample *s, const char *name, size_t len)
{
	struct buf *b = &s->name;
	size_t at = b->len, n;
	bool found = false;

	pointer_put_part(b, name, len);
	n = b->len - at;
	for (size_t i = 0; i < s->o->nested_at.n && !b->failed && !found; i++) {
		const char *p = s->o->nested_at.v[i];

		found = strlen(p) == n && memcmp(p, b->data + at, n) == 0;
	}
	b->len = at;
	return found;
}

/* True if the member is the first part of a pointer of --map. Its value, or a
 * part of its value, then goes into the column that --map names. */
static bool
is_used_by_map(struct sample *s, const char *name, size_t len)
{
	struct buf *b = &s->name;
	size_t at = b->len;
	bool found = false;

	pointer_put_part(b, name, len);
	for (size_t i = 0; i < s->o->map.n && !b->failed && !found; i++) {
		const char *p = strstr(s->o->map.v[i], "=/") + 1;
		size_t n = b->len - at;

		found = strncmp(p, b->data + at, n) == 0 &&
		    (p[n] == '/' || p[n] == '\0');
	}
	b->len = at;
	return found;
}

/* True if the table gets no column with the name of the member, because the
 * load stores its value elsewhere or not at all. For example, the value of the
 * member of --as-of goes into the column valid_from. */
static bool
gets_no_column(struct sample *s, const char *name, size_t len)
{
	const struct load_opts *o = s->o;

	if (o->columns != NULL)
		return !name_list_has(o->columns, name, len);
	return (o->as_of != NULL && strlen(o->as_of) == len &&
	    memcmp(o->as_of, name, len) == 0) ||
	    (o->map.n > 0 && is_used_by_map(s, name, len)) ||
	    (o->nested_at.n > 0 && is_nested(s, name, len));
}

/* Debezium writes this text in place of a long value that it does not know: the
 * UPDATE has not changed the value, so the database has not sent it. */
static bool
is_placeholder(const struct sample *s, uint32_t tok)
{
	static const char text[] = "\"__debezium_unavailable_value\"";
	const struct json_tok *t = &s->json.tok[tok];

	return s->mode->changes && t->len == sizeof(text) - 1 &&
	    memcmp(s->json.text + t->at, text, t->len) == 0;
}

static unsigned
kind_of_value(const struct sample *s, uint32_t tok)
{
	const struct json_tok *t = &s->json.tok[tok];

	if (s->o->empty_as_null && t->type == JSON_STRING && t->len == 2)
		return 0;
	return value_kind(&s->json, tok);
}

/* Finds the type that the source of the records has for the values of a column,
 * or returns NULL. If --map fills the column, they are the values of another
 * member, or of a part of it. */
static struct source_type *
find_source_type(const struct sample *s, const char *column, size_t len)
{
	for (size_t i = 0; i < s->o->map.n; i++) {
		const char *map = s->o->map.v[i], *to = strstr(map, "=/");

		if ((size_t)(to - map) != len || memcmp(map, column, len) != 0)
			continue;
		column = to + 2;
		len = strlen(column);
		if (strpbrk(column, "/~") != NULL)
			return NULL;
		break;
	}
	return s->source == NULL ? NULL :
	    source_types_find(s->source, column, len);
}

const char *
sample_find_type(const struct sample *s, const char *name, size_t len,
    unsigned kinds, enum db_kind db)
{
	const struct source_type *t = find_source_type(s, name, len);
	const char *type = NULL;

	for (size_t i = 0; i < s->ntypes; i++)
		if (strlen(s->types[i].column) == len &&
		    memcmp(s->types[i].column, name, len) == 0)
			return s->types[i].type;
	if (t != NULL)
		type = source_type_name(t, kinds, db);
	return type != NULL ? type : value_type_name(kinds, db);
}

static int
note_value(struct sample *s, const char *column, size_t len, uint32_t tok,
    struct err *e)
{
	unsigned kind = kind_of_value(s, tok);
	struct source_type *t = find_source_type(s, column, len);

	if (t != NULL)
		source_type_compare(t, &s->json, tok, kind);
	return sample_add_kinds(s, column, len, kind, e);
}

static int
note_members(struct sample *s, uint32_t object, struct err *e)
{
	const struct json_tok *tok = s->json.tok;
	const uint32_t end = tok[object].next;

	for (uint32_t t = object + 1; t < end; t = tok[t + 1].next) {
		const char *name = s->json.text + tok[t].at + 1;
		size_t len = tok[t].len - 2;

		buf_clear(&s->name);
		if (tok[t].flags & JSON_ESCAPED) {
			json_unescape(&s->name, &s->json, t);
			name = buf_text(&s->name);
			len = s->name.len;
		}
		if (buf_check(&s->name, e) == -1)
			return -1;
		if (is_placeholder(s, t + 1) || gets_no_column(s, name, len))
			continue;
		if (note_value(s, name, len, t + 1, e) == -1)
			return -1;
	}
	return buf_check(&s->name, e);
}

/* Notes the values that --map reads from the record. The argument of --map is
 * COLUMN=POINTER. */
static int
note_mapped(struct sample *s, struct err *e)
{
	for (size_t i = 0; i < s->o->map.n; i++) {
		const char *map = s->o->map.v[i];
		size_t len = (size_t)(strstr(map, "=/") - map);
		uint32_t v;

		if (pointer_find(&s->json, map + len + 1, &v) &&
		    note_value(s, map, len, v, e) == -1)
			return -1;
	}
	return 0;
}

static uint32_t
find_object(const struct json *j, uint32_t parent, const char *name)
{
	uint32_t v = json_member_value(j, parent, name, strlen(name));

	return v != 0 && j->tok[v].type == JSON_OBJECT ? v : 0;
}

/* Notes the members of the rows in a change of --mode cdc: its members data,
 * after and before, from which table/change.c reads rows too. */
static int
note_change(struct sample *s, struct err *e)
{
	static const char *const images[] = { "data", "after", "before" };
	uint32_t root = find_object(&s->json, 0, "payload"), row;

	if (json_member_value(&s->json, 0, "op", 2) != 0 ||
	    json_member_value(&s->json, 0, "operation", 9) != 0)
		root = 0;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		if ((row = find_object(&s->json, root, images[i])) == 0)
			continue;
		s->good++;
		if (note_members(s, row, e) == -1)
			return -1;
	}
	return 0;
}

static unsigned
count_levels(const struct sample *s)
{
	unsigned levels = s->mode->changes ? LEVELS_OF_CHANGE : 1, n;

	for (size_t i = 0; i < s->o->map.n; i++) {
		n = pointer_count(strstr(s->o->map.v[i], "=/") + 1);
		if (n > levels)
			levels = n < JSON_LEVELS_ALL ? n : JSON_LEVELS_ALL;
	}
	return levels;
}

void
sample_forget(struct sample *s)
{
	keyset_clear(&s->columns);
	s->records = s->good = 0;
}

/* Notes the members of one record. Skips a record that is not valid: the load
 * will reject it later. */
int
sample_note_record(struct sample *s, struct stage *stage,
    const struct line *l, struct err *e)
{
	struct reject why;
	int rc = stage_parse_only(stage, l, &s->json, count_levels(s),
	    s->duplicates, &why, e);

	s->records++;
	if (rc != 1)
		return rc;
	if (s->mode->changes)
		return note_change(s, e);
	s->good++;
	return note_members(s, 0, e) == -1 ? -1 : note_mapped(s, e);
}

int
sample_read(struct sample *s, struct stage *stage, struct err *e)
{
	int64_t due = 0, left = -1;
	enum stage_item item = STAGE_WAIT;
	struct line line;

	/* Start from the first record: an earlier call of sample_read() may
	 * have read some records and then failed. */
	stage_restart_ahead(stage);
	sample_forget(s);
	while (s->records < SAMPLE_RECORDS) {
		if (s->records > 0 && (left = due - clock_ms()) < 0)
			break;
		item = stage_look_ahead(
		    stage, &line, SAMPLE_BYTES, (int)left, e);
		if (item == STAGE_FAILED || item == STAGE_STOP)
			return -1;
		if (item == STAGE_END || item == STAGE_WAIT)
			break;
		if (item == STAGE_MARK && s->source != NULL &&
		    !line.too_long && source_types_read(s->source, line.data,
			line.len, e) == -1)
			return -1;
		if (item != STAGE_RECORD)
			continue;
		if (s->records == 0)
			due = clock_ms() + SAMPLE_MS;
		if ((s->note != NULL ? s->note(s->note_self, stage, &line, e) :
			sample_note_record(s, stage, &line, e)) == -1)
			return -1;
	}
	s->no_input = item == STAGE_END && s->records == 0 &&
	    stage_has_ended(stage);
	s->read = true;
	return 0;
}
