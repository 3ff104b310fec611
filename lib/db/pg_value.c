#include "db/pg_value.h"

#include "base/hex.h"
#include "db/driver.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21,
	OID_INT4 = 23, OID_OID = 26, OID_FLOAT4 = 700, OID_FLOAT8 = 701 };

void
pg_args_init(struct pg_args *a)
{
	*a = (struct pg_args){ 0 };
	buf_init(&a->text, SIZE_MAX / 4);
}

void
pg_args_release(struct pg_args *a)
{
	buf_release(&a->text);
	free(a->v);
	free(a->len);
	free(a->format);
	pg_args_init(a);
}

/* Makes room for total_args parameters. The old values are lost if the arrays
 * must grow. */
static int
grow_args(struct pg_args *a, size_t total_args, struct err *e)
{
	if (total_args <= a->room)
		return 0;
	free(a->v);
	free(a->len);
	free(a->format);
	a->room = 0;
	a->v = calloc(total_args, sizeof(*a->v));
	a->len = calloc(total_args, sizeof(*a->len));
	a->format = calloc(total_args, sizeof(*a->format));
	if (a->v == NULL || a->len == NULL || a->format == NULL)
		return err_nomem(e);
	a->room = total_args;
	return 0;
}

/* Returns how many bytes the parameters of a statement need at most when they
 * are written as text; 32 bytes are enough for a number. pg_args_set() gets
 * this much memory before it writes: the buffer must not move later, because
 * pg_args.v points into it. */
static size_t
values_size(const struct db_value *v, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += v[i].type == DB_TEXT ? v[i].len + 1 : 32;
	return size;
}

/* Appends a text parameter. Fails if the text has a NUL in it. */
static int
put_text_arg(struct buf *b, const struct db_value *v, struct db_fault *f,
    struct err *e)
{
	if (v->len > 0 && memchr(v->p, '\0', v->len) != NULL) {
		fault_clear(f);
		f->data = true;
		return err_set(e, ERR_DATA, false, "PostgreSQL cannot store a "
		    "text with a NUL in it");
	}
	buf_add(b, v->p, v->len);
	return 0;
}

int
pg_args_set(struct pg_args *a, const struct db_value *v, size_t n,
    struct db_fault *f, struct err *e)
{
	size_t at;

	buf_clear(&a->text);
	if (grow_args(a, n, e) == -1)
		return -1;
	if (!buf_reserve(&a->text, values_size(v, n) + 1))
		return buf_check(&a->text, e);
	for (size_t i = 0; i < n; i++) {
		at = a->text.len;
		a->v[i] = a->text.data + at;
		a->format[i] = v[i].type == DB_BLOB;
		a->len[i] = 0;
		if (v[i].type == DB_NULL)
			a->v[i] = NULL;
		else if (v[i].type == DB_INT)
			buf_printf(&a->text, "%" PRId64, v[i].i);
		else if (v[i].type == DB_REAL)
			buf_printf(&a->text, "%.17g", v[i].r);
		else if (v[i].type == DB_TEXT) {
			if (put_text_arg(&a->text, &v[i], f, e) == -1)
				return -1;
		} else if (v[i].len > INT_MAX)
			return err_set(e, ERR_DATA, false, "PostgreSQL cannot "
			    "store a blob of more than 2147483647 bytes");
		else {
			a->v[i] = v[i].p == NULL ? "" : v[i].p;
			a->len[i] = (int)v[i].len;
		}
		buf_char(&a->text, '\0');
	}
	return buf_check(&a->text, e);
}

static struct db_value
decode_bytea(const char *p, size_t n, struct buf *b)
{
	size_t at = b->len;

	for (size_t i = 2; i + 1 < n; i += 2)
		buf_char(b, (char)hex_byte_value(p + i));
	return db_bytes(b->data + at, b->len - at);
}

struct db_value
pg_convert_value(unsigned oid, const char *p, size_t n, struct buf *b)
{
	switch (oid) {
	case OID_BOOL:
		return DB_I(*p == 't');
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_OID:
		return DB_I(strtoll(p, NULL, 10));
	case OID_FLOAT4:
	case OID_FLOAT8:
		return (struct db_value){ .type = DB_REAL,
		    .r = strtod(p, NULL) };
	case OID_BYTEA:
		return decode_bytea(p, n, b);
	default:
		return (struct db_value){ .type = DB_TEXT, .p = p, .len = n };
	}
}
