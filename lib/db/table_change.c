#include "db/table.h"

#include "base/buf.h"
#include "json/write.h"

#include <string.h>

static void
put_key_json(struct buf *b, const struct table *t, const struct table_key *k)
{
	buf_str(b, "{\"columns\":[");
	for (size_t i = 0; i < k->n; i++) {
		const char *name = t->columns[k->columns[i]].name;

		buf_str(b, i > 0 ? "," : "");
		json_put_string(b, name, strlen(name));
	}
	buf_printf(b, "],\"primary\":%s,\"condition\":",
	    k->primary ? "true" : "false");
	if (k->condition != NULL)
		json_put_string(b, k->condition, strlen(k->condition));
	else
		buf_str(b, "null");
	buf_char(b, '}');
}

int
table_check_changed(struct db *db, const struct table *t,
    const struct table_key *keys, size_t nkeys, bool *changed, struct err *e)
{
	struct db_value v[] = { db_text(t->schema), db_text(t->base),
	    { .type = DB_TEXT }, { .type = DB_TEXT } };
	struct buf columns, list;
	int64_t same = 0;
	int rc = -1;

	buf_init(&columns, SIZE_MAX / 2);
	buf_init(&list, SIZE_MAX / 2);
	for (size_t i = 0; i < t->n; i++)
		buf_printf(&columns, "%s %s,", t->columns[i].name,
		    t->columns[i].type);
	buf_char(&list, '[');
	for (size_t i = 0; i < nkeys; i++) {
		buf_str(&list, i > 0 ? "," : "");
		put_key_json(&list, t, &keys[i]);
	}
	buf_char(&list, ']');
	v[2].p = buf_text(&columns);
	v[2].len = columns.len;
	v[3].p = buf_text(&list);
	v[3].len = list.len;
	if (buf_check(&columns, e) == 0 && buf_check(&list, e) == 0)
		rc = db_query_int(db, db_sql(db, SQL_TABLE_HAS_COLUMNS), v, 4,
		    0, &same, e);
	buf_release(&columns);
	buf_release(&list);
	*changed = same != 1;
	return rc;
}
