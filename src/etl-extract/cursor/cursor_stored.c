#include "cursor/cursor_stored.h"

#include "base/retry.h"
#include "control/control.h"
#include "control/statefile.h"

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

int
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
