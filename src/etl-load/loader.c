#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DDL_MAX = 64 << 20 };

static int
file_read(struct buf *b, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd == -1)
		return err_errno(e, ERR_INPUT, path);
	while (buf_room(b, 4096) &&
	    (n = read(fd, b->data + b->len, b->cap - b->len)) > 0)
		b->len += (size_t)n;
	if (n == -1 && !b->failed)
		(void)err_errno(e, ERR_INPUT, path);
	(void)close(fd);
	return b->failed ? buf_check(b, e) : (int)n;
}

/* "There is such a table", a type, a schema. */
static bool
made_meanwhile(const char *state)
{
	return strcmp(state, "42P07") == 0 || strcmp(state, "42710") == 0 ||
	    strcmp(state, "42P06") == 0;
}

/* Two that make the same table at once can meet in the catalog's own unique
 * index: as good as a lock that was held. Or one finds there what the other
 * has made since it looked, and IF NOT EXISTS sees that the next time. */
static int
script_run(struct loader *l, const char *sql, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	int rc = db_script(l->db, sql, e);

	if (rc == -1 && made_meanwhile(f->sqlstate)) {
		db_rollback(l->db);
		rc = db_script(l->db, sql, e);
	}
	if (rc == 0)
		return 0;
	if (strncmp(f->sqlstate, "23", 2) == 0)
		e->transient = true;
	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	err_prefix(e, "%s", l->o->ddl);
	return -1;
}

static int
ddl_run(struct loader *l, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, DDL_MAX);
	rc = file_read(&b, l->o->ddl, e);
	(void)buf_text(&b);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0 && strlen(buf_text(&b)) != b.len)
		rc = err_set(e, ERR_CONFIG, false, "%s: a NUL byte in it",
		    l->o->ddl);
	if (rc == 0)
		rc = script_run(l, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static int
database_open(struct loader *l, struct err *e)
{
	if (db_open(&l->db, l->o->db, e) == -1)
		return -1;
	if (l->o->ddl != NULL && ddl_run(l, e) == -1)
		return -1;
	if (target_open(&l->target, l->db, l->o, e) == -1)
		return -1;
	l->sink = sink_for(db_kind(l->db));
	if (l->sink == NULL)
		return err_set(e, ERR_BUG, false, "no sink for this database");
	return l->sink->open(&l->self, l->db, &l->target, e);
}

static void
database_close(struct loader *l)
{
	if (l->sink != NULL)
		l->sink->close(l->self);
	l->self = NULL;
	target_close(&l->target);
	db_close(l->db);
	l->db = NULL;
}

static int
database_retry(struct loader *l, struct err *e)
{
	struct err why;
	uint64_t n = 0;

	while (database_open(l, e) == -1) {
		database_close(l);
		why = *e;
		if (!why.transient || retry_pause(&l->retry, ++n, &why,
		    e) == -1)
			return -1;
	}
	return 0;
}

/* All control tables are in one database: the run's. */
static int
same_database(const struct load_opts *o, struct err *e)
{
	const char *run = getenv("ETL_RUN"), *url = getenv("DATABASE_URL");

	if (o->db == NULL || run == NULL || *run == '\0')
		return 0;
	if (url == NULL || *url == '\0')
		url = "sqlite:etl.db";
	if (strcmp(o->db, url) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "--db is another database than "
	    "that of the run (DATABASE_URL): give it to etl-run");
}

static int
copy_run(struct loader *l, struct err *e)
{
	const char *run = getenv("ETL_RUN");

	if (run == NULL || *run == '\0')
		return 0;
	l->run = strdup(run);
	return l->run == NULL ? err_nomem(e) : 0;
}

int
loader_open(struct loader *l, const struct load_opts *o, struct stage *s,
    struct err *e)
{
	enum json_members dup = JSON_UNIQUE;

	*l = (struct loader){ .o = o, .stage = s };
	spool_init(&l->spool);
	buf_init(&l->told, SIZE_MAX / 2);
	l->retry.max = o->retries;
	if (o->duplicates != NULL && strcmp(o->duplicates, "last") == 0)
		dup = JSON_LAST;
	else if (o->duplicates != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--duplicate-members %s: last is all it takes",
		    o->duplicates);
	if (retry_backoff(&l->retry, o->backoff, e) == -1 ||
	    target_check(o, e) == -1 || same_database(o, e) == -1 ||
	    copy_run(l, e) == -1 || causes_new(&l->causes, e) == -1 ||
	    database_retry(l, e) == -1)
		return -1;
	l->whole = o->single;
	return outcome_init(&l->outcome, s, &l->target, dup, e);
}

void
loader_close(struct loader *l)
{
	outcome_release(&l->outcome);
	spool_release(&l->spool);
	causes_free(l->causes);
	buf_release(&l->told);
	free(l->run);
	stream_release(&l->stream);
	database_close(l);
}
