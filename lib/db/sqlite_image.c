#include "db/sqlite_impl.h"

#include "base/hex.h"
#include "base/text.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void
put_tagged_hex(struct buf *b, char tag, const void *p, size_t n)
{
	buf_char(b, '"');
	buf_char(b, tag);
	hex_append(b, p, n);
	buf_char(b, '"');
}

/* Appends the element of a text. If it has a NUL or is not UTF-8, its bytes are
 * written in hex. */
static void
put_text_image(struct buf *b, const char *p, size_t n)
{
	size_t at = b->len;

	if (utf8_valid_length(p, n) < n || memchr(p, '\0', n) != NULL) {
		put_tagged_hex(b, 'h', p, n);
		return;
	}
	json_put_string(b, p, n);
	/* Inserts the tag "t" after the opening quote. */
	buf_char(b, ' ');
	if (b->failed)
		return;
	memmove(b->data + at + 2, b->data + at + 1, b->len - at - 2);
	b->data[at + 1] = 't';
}

static void
put_value_image(struct buf *b, sqlite3_value *v)
{
	size_t n = (size_t)sqlite3_value_bytes(v);

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		buf_printf(b, "\"i%" PRId64 "\"",
		    (int64_t)sqlite3_value_int64(v));
		break;
	case SQLITE_FLOAT:
		buf_printf(b, "\"r%.17g\"", sqlite3_value_double(v));
		break;
	case SQLITE_TEXT:
		put_text_image(b, (const char *)sqlite3_value_text(v), n);
		break;
	case SQLITE_BLOB:
		put_tagged_hex(b, 'x', sqlite3_value_blob(v), n);
		break;
	default:
		buf_str(b, "null");
	}
}

/* The SQL function etl_image(VALUE, ...). */
static void
return_image(sqlite3_context *context, int n, sqlite3_value **v)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&b, ',');
		put_value_image(&b, v[i]);
	}
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, b.data, b.len, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
	buf_release(&b);
}

/* p points to the n hex digits of the value. */
static void
return_bytes(sqlite3_context *context, char tag, const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	(void)buf_reserve(&b, 1);
	for (size_t i = 0; i + 1 < n; i += 2)
		buf_char(&b, (char)hex_byte_value(p + i));
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else if (tag == 'x')
		sqlite3_result_blob64(
		    context, b.data, b.len, SQLITE_TRANSIENT);
	else
		sqlite3_result_text64(context, b.data, b.len, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
	buf_release(&b);
}

/* Returns a value from its element of an image, such as "i7" (see
 * db_add_image_sql()): the first byte is the type. */
static void
return_element(sqlite3_context *context, const char *p, size_t n)
{
	switch (*p) {
	case 'i':
		sqlite3_result_int64(context, strtoll(p + 1, NULL, 10));
		break;
	case 'r':
		sqlite3_result_double(context, strtod(p + 1, NULL));
		break;
	case 't':
		sqlite3_result_text64(context, p + 1, n - 1, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
		break;
	case 'x':
	case 'h':
		return_bytes(context, *p, p + 1, n - 1);
		break;
	default:
		sqlite3_result_error(context, "not an image of etl-load", -1);
	}
}

/* Returns the value of the element at token i. */
static void
return_token(sqlite3_context *context, const struct json *j, uint32_t i)
{
	struct buf b;

	if (j->tok[i].type == JSON_NULL) {
		sqlite3_result_null(context);
		return;
	}
	buf_init(&b, SIZE_MAX / 4);
	json_unescape(&b, j, i);
	(void)buf_text(&b);
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else
		return_element(context, b.data, b.len);
	buf_release(&b);
}

/* The SQL function etl_value(IMAGE, I). */
static void
return_value(sqlite3_context *context, int n, sqlite3_value **v)
{
	const char *p = (const char *)sqlite3_value_text(v[0]);
	size_t len = (size_t)sqlite3_value_bytes(v[0]);
	int64_t wanted = sqlite3_value_int64(v[1]);
	struct json_fault f = { 0 };
	struct json j = { 0 };

	(void)n;
	if (p == NULL) {
		sqlite3_result_null(context);
		return;
	}
	if (json_scan(&j, p, len, 2, JSON_LAST, &f) == -1) {
		if (f.nomem)
			sqlite3_result_error_nomem(context);
		else
			sqlite3_result_error(
			    context, "not an image of etl-load", -1);
	} else if (j.tok[0].type != JSON_ARRAY || wanted < 0 ||
	    wanted + 1 >= (int64_t)j.n) {
		sqlite3_result_error(context, "not an image of etl-load", -1);
	} else {
		return_token(context, &j, (uint32_t)wanted + 1);
	}
	json_release(&j);
}

int
db_add_image_sql(struct db *db, struct err *e)
{
	const int flags =
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	const struct lite *c = db->conn;

	if (db->driver->kind != DB_SQLITE)
		return 0;
	if (sqlite3_create_function_v2(c->db, "etl_image", -1, flags, NULL,
	    return_image, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function_v2(c->db, "etl_value", 2, flags, NULL,
	    return_value, NULL, NULL, NULL) != SQLITE_OK)
		return err_nomem(e);
	return 0;
}
