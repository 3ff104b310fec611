#include "control/old_tables.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "control/letters.h"
#include "json/write.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE = 500, COLUMNS = 8 };

/* Stage and code of the rows that are copied from another tool's table
 * dead_letters, which does not have these columns. */
static const char unknown[] = "unknown";

static const char *const run_columns[COLUMNS] = { "id", "started_at",
	"completed_at", "status", "records_extracted", "records_loaded",
	"errors", "error_message" };
static const char *const letter_columns[COLUMNS] = { "id", "pipeline_run_id",
	"raw_data", "error_message", "created_at", NULL };

/* Sets *exists to true if another tool has created a table of this name. Fails
 * if that table lacks one of `columns`, which will be copied. Also fails if it
 * has the column `ours`: etl itself has then created it. */
static int
find_old_table(struct db *db, const char *name, const char *const *columns,
    const char *ours, bool *exists, struct err *e)
{
	struct db_value v[] = { db_text(name), db_text(db_schema(db)) };
	size_t params = db_schema(db) != NULL ? 2 : 1;
	bool has[COLUMNS] = { false }, own = false;
	struct db_rows *r;
	int rc;

	*exists = false;
	if (db_query(db, &r, db_sql(db, SQL_CONTROL_COLUMNS), v, params,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*exists = true;
		own |= strcmp(db_column(r, 0).p, ours) == 0;
		for (size_t i = 0; i < COLUMNS && columns[i] != NULL; i++)
			if (strcmp(db_column(r, 0).p, columns[i]) == 0)
				has[i] = true;
	}
	db_end(r);
	if (rc == 0 && own)
		return err_set(e, ERR_CONFIG, false, "%s: the table exists, "
		    "but etl_control, which holds its version, does not: "
		    "restore etl_control, or rename the table", name);
	for (size_t i = 0; rc == 0 && *exists && i < COLUMNS &&
	    columns[i] != NULL; i++)
		if (!has[i])
			rc = err_set(e, ERR_CONFIG, false, "%s: a table of "
			    "this name exists, but it is not a table of etl: "
			    "it has no column %s; rename it", name,
			    columns[i]);
	return rc;
}

int
old_tables_rename(struct old_tables *o, struct db *db, struct err *e)
{
	*o = (struct old_tables){ false, false };
	if (find_old_table(db, "pipeline_runs", run_columns, "renewed_at",
	    &o->runs, e) == -1 ||
	    find_old_table(db, "dead_letters", letter_columns, "reject_id",
	    &o->letters, e) == -1)
		return -1;
	if (o->runs &&
	    db_script(db, db_sql(db, SQL_CONTROL_RENAME_OLD_RUNS), e) == -1)
		return -1;
	if (o->letters &&
	    db_script(db, db_sql(db, SQL_CONTROL_RENAME_OLD_LETTERS), e) == -1)
		return -1;
	return 0;
}

/* Appends the member "id" of a reject line as reject_id_record() computes it:
 * the SHA-256 of pipeline (here empty), stage and record bytes. If the old row
 * has no record bytes, its row number is hashed, too; otherwise all such rows
 * would get the same id and be stored as a single row. */
static int
append_reject_id(
    struct buf *b, const struct db_value *raw, int64_t id, struct err *e)
{
	struct hash *h = hash_new();
	char hex[HASH_HEX];

	if (h == NULL)
		return err_nomem(e);
	hash_add(h, "", 1);
	hash_add(h, unknown, sizeof(unknown));
	hash_add(h, raw->len > 0 ? raw->p : "", raw->len);
	hash_add(h, "", 1);
	if (raw->len == 0)
		hash_add(h, &id, sizeof(id));
	hash_finish(h, hex);
	json_put_text(b, "id", hex);
	return 0;
}

/* Appends a row of the other tool's dead_letters as a reject line, the JSON
 * form in which stages write rejected records (etl-record(5)). */
static int
append_reject_line(struct buf *b, const struct db_rows *r, struct err *e)
{
	struct db_value raw = db_column(r, 1), text = db_column(r, 2);
	struct db_value at = db_column(r, 3);
	int64_t id = db_column(r, 0).i;
	const char *p = raw.len > 0 ? raw.p : "";

	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	if (append_reject_id(b, &raw, id, e) == -1)
		return -1;
	buf_printf(b, ",\"occurrence\":\"before-etl/%" PRId64 "\"", id);
	json_put_text(b, "stage", unknown);
	json_put_text(b, "code", unknown);
	json_put_member(
	    b, "message", text.p, utf8_valid_length(text.p, text.len));
	if (at.type == DB_TEXT)
		json_put_member(b, "at", at.p, at.len);
	if (utf8_valid_length(p, raw.len) == raw.len)
		json_put_member(b, "raw", p, raw.len);
	else {
		buf_str(b, ",\"raw_base64\":\"");
		base64_put(b, p, raw.len);
		buf_char(b, '"');
	}
	buf_char(b, '}');
	return buf_check(b, e);
}

/* Up to 500 rows of the other tool's table dead_letters, converted into reject
 * lines (etl-record(5)) in one buffer. */
struct page {
	struct buf text;
	size_t at[PAGE + 1];    /* where each line starts */
	int64_t run[PAGE];      /* pipeline_runs.id of each line, or 0 */
	int64_t last;           /* id of the last row that was read */
	size_t n;
};

/* Reads the next PAGE letters of the old table, as reject lines. */
static int
read_letter_page(struct page *p, struct db *db, struct err *e)
{
	struct db_value from = DB_I(p->last);
	struct db_rows *r;
	int rc;

	p->n = 0;
	buf_clear(&p->text);
	if (db_query(db, &r, db_sql(db, SQL_CONTROL_READ_OLD_LETTERS), &from, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && p->n < PAGE) {
		p->at[p->n] = p->text.len;
		p->last = db_column(r, 0).i;
		p->run[p->n] = db_column(r, 4).i;
		if (append_reject_line(&p->text, r, e) == -1) {
			rc = -1;
			break;
		}
		p->at[++p->n] = p->text.len;
	}
	db_end(r);
	return rc == -1 ? -1 : 0;
}

/* Stores the reject lines in the table dead_letters. All lines of one call of
 * letters_store() must belong to the same run, so each call gets a group of
 * neighbouring lines of one run. */
static int
store_letter_page(const struct page *p, struct db *db, struct err *e)
{
	struct letter_text lines[PAGE];
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		lines[n].p = p->text.data + p->at[i];
		lines[n++].len = p->at[i + 1] - p->at[i];
		if (i + 1 < p->n && p->run[i + 1] == p->run[i])
			continue;
		if (letters_store(db, lines, n, p->run[i], NULL, e) == -1)
			return -1;
		n = 0;
	}
	return 0;
}

/* Stores the letters of the old table as rejects, page by page. */
static int
store_old_letters(struct db *db, struct err *e)
{
	struct page p = { .last = INT64_MIN };
	int rc;

	buf_init(&p.text, SIZE_MAX / 4);
	do {
		rc = read_letter_page(&p, db, e);
		if (rc == 0)
			rc = store_letter_page(&p, db, e);
	} while (rc == 0 && p.n > 0);
	buf_release(&p.text);
	return rc;
}

int
old_tables_copy(const struct old_tables *o, struct db *db, struct err *e)
{
	int rc = 0;

	if (o->runs)
		rc = db_script(db, db_sql(db, SQL_CONTROL_COPY_OLD_RUNS), e);
	if (rc == 0 && o->letters)
		rc = store_old_letters(db, e);
	if (rc == 0 || e->transient)
		return rc;
	e->code = ERR_CONFIG;
	err_prefix(e, "cannot copy the older tables pipeline_runs and "
	    "dead_letters into the control tables; rename them and try again");
	return -1;
}
