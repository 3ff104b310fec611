/* The files of etl-extract --new-files, which the marks of a stream name: those
 * that were read to their end, and those that are broken. */
#include "loader.h"

#include "control/checkpoints.h"
#include "control/control.h"
#include "control/files.h"
#include "control/runs.h"

bool
stream_has_checkpoint(const struct stream *s)
{
	return s->checkpoint != NULL && !s->passive;
}

int
stream_store_done(struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	struct files_change change = { 0 };
	struct buf b;
	int rc;

	if (s->files.len == 0)
		return 0;
	buf_init(&b, SIZE_MAX / 4);
	buf_add(&b, s->files.data, s->files.len);
	buf_char(&b, ']');
	change.done = buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = files_store(l->db, s->checkpoint, l->run, &change, e);
	buf_release(&b);
	return rc;
}

/* Stores the broken files in the open transaction and commits it. Returns 1:
 * stored; 0: another run has moved the checkpoint; -1 with *e. */
static int
store_broken(struct loader *l, const struct checkpoint_move *m, struct err *e)
{
	const struct files_change change = {
	    .broken = stage_last_mark(l->stage)->files };
	int64_t row;

	if (control_limit_idle(l->db, e) == -1 ||
	    (l->run != NULL &&
		run_fence(l->db, l->run, &row, e) == -1))
		return -1;
	switch (checkpoint_move(l->db, m, e)) {
	case CHECKPOINT_MOVED:
		break;
	case CHECKPOINT_LOST:
		return 0;
	default:
		return -1;
	}
	return files_store(l->db, m->name, l->run, &change, e) == -1 ||
	    db_commit(l->db, e) == -1 ? -1 : 1;
}

/* Stores the broken files in a transaction of its own. Rolls back unless the
 * files are stored. */
static int
try_store_broken(struct loader *l, const struct checkpoint_move *m,
    struct err *e)
{
	int rc;

	if (db_begin(l->db, e) == -1)
		return -1;
	if ((rc = store_broken(l, m, e)) != 1)
		db_rollback(l->db);
	return rc;
}

int
stream_store_broken(struct loader *l, struct err *e)
{
	const struct mark *m = stage_last_mark(l->stage);
	const struct stream *s = &l->stream;
	const struct checkpoint_move move = { .name = s->checkpoint,
	    .expected = s->known || m == NULL || !m->has_version ?
		s->expected : (int64_t)m->version, .run = l->run };
	uint64_t tries = 0;

	if (m == NULL || m->kind != MARK_FAILED || m->files == NULL ||
	    !stream_has_checkpoint(s) || s->skipping || s->loaded)
		return 0;
	l->unknown = false;
	while (try_store_broken(l, &move, e) == -1)
		if (batch_recover(l, &tries, e) == -1)
			return -1;
	return 0;
}
