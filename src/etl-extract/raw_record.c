#include "raw_record.h"

#include "base/base64.h"
#include "json/write.h"

#include <string.h>

void
raw_record_init(struct raw_record *r)
{
	*r = (struct raw_record){ 0 };
	buf_init(&r->bytes, SIZE_MAX / 4);
	buf_init(&r->columns, SIZE_MAX / 4);
	buf_init(&r->columns_json, SIZE_MAX / 4);
	buf_init(&r->origin, SIZE_MAX / 4);
	buf_init(&r->uri, SIZE_MAX / 4);
}

void
raw_record_release(struct raw_record *r)
{
	json_release(&r->j);
	buf_release(&r->bytes);
	buf_release(&r->columns);
	buf_release(&r->columns_json);
	buf_release(&r->origin);
	buf_release(&r->uri);
}

static int
set_raw_error(const char *why, struct err *e)
{
	return err_set(e, ERR_PEER, false, "the replay has a broken \"raw\" "
	    "mark: %s: run etl-extract directly after etl-dlq replay, which "
	    "writes these marks", why);
}

/* Returns the value of the member `name` of an object if it has this type, else
 * 0. */
static uint32_t
find_member_value(const struct raw_record *r, uint32_t object, const char *name,
    enum json_type type)
{
	uint32_t i = json_member_value(&r->j, object, name, strlen(name));

	return i != 0 && r->j.tok[i].type == type ? i : 0;
}

static int
read_raw_member(struct raw_record *r, struct err *e)
{
	uint32_t text = find_member_value(r, 0, "raw", JSON_STRING);
	uint32_t coded = find_member_value(r, 0, "raw_base64", JSON_STRING);
	const struct json_tok *t = &r->j.tok[coded];

	if ((text == 0) == (coded == 0))
		return set_raw_error("it needs raw or raw_base64", e);
	if (text != 0)
		json_unescape(&r->bytes, &r->j, text);
	else if (base64_get(&r->bytes, r->j.text + t->at + 1, t->len - 2) ==
	    -1 && !r->bytes.failed)
		return set_raw_error("its raw_base64 is not base64", e);
	return buf_check(&r->bytes, e);
}

/* Writes the names of the columns as one CSV record, which can be given to
 * --columns. */
static int
read_columns(struct raw_record *r, struct err *e)
{
	uint32_t a = find_member_value(r, 0, "columns", JSON_ARRAY);
	const struct json_tok *t = r->j.tok;
	struct buf name;

	if (a == 0)
		return 0;
	json_put_compact(&r->columns_json, &r->j, a);
	(void)buf_text(&r->columns_json);
	buf_init(&name, SIZE_MAX / 4);
	for (uint32_t i = a + 1; i < t[a].next; i = t[i].next) {
		buf_clear(&name);
		if (t[i].type == JSON_STRING)
			json_unescape(&name, &r->j, i);
		buf_str(&r->columns, i == a + 1 ? "\"" : ",\"");
		for (size_t k = 0; k < name.len; k++) {
			if (name.data[k] == '"')
				buf_char(&r->columns, '"');
			buf_char(&r->columns, name.data[k]);
		}
		buf_char(&r->columns, '"');
		r->columns.failed |= name.failed;
	}
	buf_release(&name);
	(void)buf_text(&r->columns);
	return buf_check(&r->columns_json, e) == -1 ? -1 :
	    buf_check(&r->columns, e);
}

static int
read_origin(struct raw_record *r, struct err *e)
{
	uint32_t o = find_member_value(r, 0, "origin", JSON_OBJECT), uri;
	const struct json_tok *t = &r->j.tok[o];

	if (o != 0) {
		buf_add(&r->origin, r->j.text + t->at + 1, t->len - 2);
		if ((uri = find_member_value(r, o, "uri", JSON_STRING)) != 0)
			json_unescape(&r->uri, &r->j, uri);
	}
	(void)buf_text(&r->origin);
	(void)buf_text(&r->uri);
	return buf_check(&r->origin, e) == -1 ? -1 : buf_check(&r->uri, e);
}

int
raw_record_parse(
    struct raw_record *r, const char *line, size_t len, struct err *e)
{
	struct json_fault f = { 0 };

	buf_clear(&r->bytes);
	buf_clear(&r->columns);
	buf_clear(&r->columns_json);
	buf_clear(&r->origin);
	buf_clear(&r->uri);
	if (json_scan(&r->j, line, len, 2, JSON_UNIQUE, &f) == -1)
		return f.nomem ? err_nomem(e) : set_raw_error(f.why, e);
	return read_raw_member(r, e) == -1 || read_columns(r, e) == -1 ? -1 :
	    read_origin(r, e);
}
