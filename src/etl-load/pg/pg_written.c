#include "pg/pg_sink.h"

#include "pg/pg_sql.h"
#include "table/columns_sql.h"

/* In a mode that updates, rows that are found unchanged count as written too.
 * So the sink notes the keys of all records in a temporary table. In other
 * modes, the written rows are those that this transaction has inserted. */
static bool
notes_keys(const struct pg_sink *s)
{
	return s->target->mode->updates;
}

static int
check_table_kind(void *self, struct err *e)
{
	static const char sql[] = "SELECT pg_catalog.count(*) "
	    "FROM pg_catalog.pg_class "
	    "WHERE oid = $1::text::regclass::oid AND relkind NOT IN ('r', 'p')";
	struct pg_sink *s = self;
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n = 0;

	if (notes_keys(s) || s->target->swaps)
		return 0;
	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	return n == 0 ? 0 : err_set(e, ERR_CONFIG, false, "--expect: %s is a "
	    "view or a foreign table, and neither shows which rows a load has "
	    "inserted: only rows and rejected can be tested",
	    s->target->table->name);
}

static int
create_key_table(void *self, struct err *e)
{
	struct pg_sink *s = self;

	s->notes_keys = notes_keys(s);
	if (!s->notes_keys)
		return 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "CREATE TEMP TABLE etl_load_written%s "
	    "ON COMMIT DROP AS SELECT ", s->target->suffix);
	sql_put_key(&s->sql, s->target);
	buf_printf(&s->sql, " FROM %s WITH NO DATA", s->target->table->quoted);
	return pg_run_script(s, e);
}

int
pg_written_note(struct pg_sink *s, bool some_refused, struct err *e)
{
	if (!s->notes_keys)
		return 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "INSERT INTO " PG_WRITTEN "%s SELECT DISTINCT ",
	    s->target->suffix);
	sql_put_key(&s->sql, s->target);
	buf_printf(&s->sql, " FROM " PG_STAGE "%s", s->target->suffix);
	if (some_refused)
		buf_str(&s->sql, " WHERE \"etl.n\" NOT IN (SELECT n FROM "
		    PG_FOUND ")");
	return pg_run_script(s, e);
}

/* True if this transaction has inserted the row "etl.t". If it was inserted in
 * a savepoint, xmin is the id of a subtransaction. This id is above that of the
 * transaction, and pg_xact_status() reports it as 'in progress'. Rows of other
 * transactions in progress are not visible here.
 * pg_xact_status() fails for old ids, which the server has forgotten. So age()
 * excludes ids below that of this transaction first. xmin has only the lower 32
 * bits of an id: the full id is the id of this transaction plus the difference
 * of their lower 32 bits. */
#define THIS "(pg_catalog.pg_current_xact_id()::text::int8)"
static const char inserted_here[] =
    "CASE WHEN pg_catalog.age(\"etl.t\".xmin) OPERATOR(pg_catalog.<=) "
    "pg_catalog.age(pg_catalog.xid(pg_catalog.pg_current_xact_id())) "
    "THEN pg_catalog.pg_xact_status((" THIS " OPERATOR(pg_catalog.+) "
    "((\"etl.t\".xmin::text::int8 OPERATOR(pg_catalog.-) " THIS ") "
    "OPERATOR(pg_catalog.&) 4294967295))::text::xid8) "
    "OPERATOR(pg_catalog.=) 'in progress' ELSE false END";

static void
put_rows(void *self, struct buf *b)
{
	const struct pg_sink *s = self;

	buf_printf(b, "FROM %s AS \"etl.t\" WHERE ", s->target->table->quoted);
	if (!notes_keys(s)) {
		buf_str(b, inserted_here);
		return;
	}
	buf_printf(b, "EXISTS (SELECT FROM " PG_WRITTEN "%s AS \"etl.w\" "
	    "WHERE ", s->target->suffix);
	pg_put_same_key(b, s->target, "\"etl.t\"", "\"etl.w\"");
	buf_char(b, ')');
}

const struct sink_written pg_written = {
	.check = check_table_kind,
	.start = create_key_table,
	.put_rows = put_rows,
};
