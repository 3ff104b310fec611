#include "db/sqlite_impl.h"

int
lite_bind(sqlite3_stmt *st, int i, const struct db_value *v, bool copies)
{
	sqlite3_destructor_type how = copies ? SQLITE_TRANSIENT : SQLITE_STATIC;
	const char *p = v->p == NULL ? "" : v->p;

	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(st, i, v->i);
	case DB_REAL:
		return sqlite3_bind_double(st, i, v->r);
	case DB_TEXT:
		return sqlite3_bind_text64(st, i, p, v->len, how,
		    SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(st, i, p, v->len, how);
	default:
		return sqlite3_bind_null(st, i);
	}
}

struct db_value
lite_column_value(sqlite3_stmt *st, int i)
{
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		return DB_I(sqlite3_column_int64(st, i));
	case SQLITE_FLOAT:
		return (struct db_value){ .type = DB_REAL,
		    .r = sqlite3_column_double(st, i) };
	case SQLITE_TEXT:
		return (struct db_value){ .type = DB_TEXT,
		    .p = (const char *)sqlite3_column_text(st, i),
		    .len = (size_t)sqlite3_column_bytes(st, i) };
	case SQLITE_BLOB:
		return db_bytes(sqlite3_column_blob(st, i),
		    (size_t)sqlite3_column_bytes(st, i));
	default:
		return db_text(NULL);
	}
}
