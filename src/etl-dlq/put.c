/* The sub-command put: reads files of reject lines (rejected records, each with
 * the cause) or saved streams that have such lines, and stores each reject as a
 * dead letter in the database. */
#include "dlq.h"

#include "base/retry.h"
#include "base/stop.h"
#include "base/wait.h"
#include "control/control.h"

#include <stdlib.h>

enum { TRIES = 5, PART_LINES = 4096, PART_BYTES = 4 << 20 };

/* The lines of the temporary file that are stored in one transaction: at most
 * PART_LINES lines and about PART_BYTES bytes, or one longer line. */
struct part {
	char *lines[PART_LINES];
	struct letter_text texts[PART_LINES];
	size_t n, bytes;
	off_t at;               /* offset of the first line */
	bool failed;            /* reading the file failed */
};

static void
free_part(struct part *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[i]);
	p->n = p->bytes = 0;
}

static bool
read_part(struct part *p, FILE *f)
{
	free_part(p);
	p->at = ftello(f);
	while (p->n < PART_LINES && p->bytes < PART_BYTES) {
		size_t cap = 0;
		ssize_t len;

		p->lines[p->n] = NULL;
		if ((len = getline(&p->lines[p->n], &cap, f)) == -1) {
			free(p->lines[p->n]);
			p->failed = feof(f) == 0;
			break;
		}
		if (p->n > 0 && len > PART_BYTES) {     /* the next part */
			free(p->lines[p->n]);
			p->failed = fseeko(f, -len, SEEK_CUR) == -1;
			break;
		}
		p->texts[p->n] = (struct letter_text){ p->lines[p->n],
		    (size_t)len - 1 };
		p->bytes += (size_t)len;
		p->n++;
	}
	return p->n > 0 && !p->failed;
}

/* Stores a part that is one large line. letters_add_line() frees the line while
 * it stores it, to save memory, so if the part is tried again, the line is read
 * from the temporary file again. */
static int
store_large_line(struct dlq *d, struct part *p, FILE *f, int64_t *stored,
    struct err *e)
{
	struct buf line;

	if (p->lines[0] == NULL && (fseeko(f, p->at, SEEK_SET) == -1 ||
	    !read_part(p, f)))
		return err_errno(e, ERR_IO, "temporary file");
	buf_init(&line, SIZE_MAX / 4);
	line.data = p->lines[0];
	line.len = line.cap = p->texts[0].len;
	p->lines[0] = NULL;
	*stored = 0;
	if (letters_add_line(d->db, &line, 0, stored, e) == -1)
		return -1;
	return letters_finish(d->db, NULL, 0, stored, e);
}

/* Stores the part. The caller begins and commits the transaction. */
static int
store_part(struct dlq *d, struct part *p, FILE *f, int64_t *stored,
    struct err *e)
{
	if (p->n == 1 && p->bytes > PART_BYTES)
		return store_large_line(d, p, f, stored, e);
	return letters_store(d->db, p->texts, p->n, 0, stored, e);
}

/* Stores the part in one transaction. *stored is the number of rejections
 * that the transaction added. If the connection was lost during COMMIT, it
 * is not known whether the transaction was committed: then
 * *stored_if_commit_lost is set to that number, too. */
static int
try_store_part(struct dlq *d, struct part *p, FILE *f, int64_t *stored,
    int64_t *stored_if_commit_lost, struct err *e)
{
	if (db_begin(d->db, e) == 0 && store_part(d, p, f, stored, e) == 0) {
		if (db_commit(d->db, e) == 0)
			return 0;
		if (db_fault(d->db)->lost)
			*stored_if_commit_lost = *stored;
	}
	db_rollback(d->db);
	return -1;
}

/* Stores the part. If the database fails temporarily, tries again. A second try
 * does no harm, because a rejection that is already stored is not added again.
 * If the connection was lost during COMMIT although the COMMIT was executed,
 * the second try adds nothing; *added then grows by the number of the first try
 * (`stored_if_lost`). */
static int
commit_part(struct dlq *d, struct part *p, FILE *f, int64_t *added,
    struct err *e)
{
	const struct retry wait = { TRIES, 200, 5000 };
	int64_t stored = 0, stored_if_lost = 0;

	for (uint64_t n = 1;; n++) {
		if (try_store_part(d, p, f, &stored, &stored_if_lost, e) == 0) {
			*added += stored > 0 ? stored : stored_if_lost;
			return 0;
		}
		if (!db_fault(d->db)->again || n > wait.max ||
		    wait_ms(retry_delay(&wait, n)) == -1)
			return -1;
		while (db_reopen(d->db, e) == -1)
			if (!e->transient || ++n > wait.max ||
			    wait_ms(retry_delay(&wait, n)) == -1)
				return -1;
	}
}

/* Stores all reject lines of the temporary file, part by part. Each part has
 * its own transaction, so that a large file does not keep locks for long. If
 * this fails half-way, the user runs put with the same file again; rejects that
 * are stored already are not stored twice. */
static int
store_all_rejects(
    struct dlq *d, struct intake *in, int64_t *added, struct err *e)
{
	struct part *p = calloc(1, sizeof(*p));
	FILE *f = intake_file(in);
	int rc = 0;

	if (p == NULL)
		return err_nomem(e);
	rewind(f);
	while (rc == 0 && read_part(p, f))
		rc = stop_signal() != 0 ? -1 : commit_part(d, p, f, added, e);
	if (rc == 0 && p->failed)
		rc = err_errno(e, ERR_IO, "temporary file");
	if (rc == -1 && stop_signal() != 0)
		(void)err_set(e, ERR_RETRY, true, "put: stopped by a signal "
		    "after %lld were stored: put the same files again",
		    (long long)*added);
	free_part(p);
	free(p);
	return rc;
}

/* Prints the counts. Then reports the stored streams, or fails if a line was
 * not stored. */
static int
finish_put(struct dlq *d, const struct intake *in, int64_t added, struct err *e)
{
	uint64_t rejects, others, bad;
	char text[128];
	int n;

	intake_counts(in, &rejects, &others, &bad);
	n = snprintf(text, sizeof(text), "%lld stored, %lld known before, "
	    "%llu other lines", (long long)added,
	    (long long)rejects - (long long)added,
	    (unsigned long long)others);
	if (out_write_line(d->out, text, (size_t)n, e) == -1)
		return -1;
	if (bad == 0)
		return intake_report(in, e);
	return err_set(e, ERR_DATA, false, "put: %llu line%s not stored%s%s",
	    (unsigned long long)bad, bad == 1 ? " was" : "s were",
	    d->opts->bad != NULL ? ", and kept in " : "",
	    d->opts->bad != NULL ? d->opts->bad : "");
}

int
put_command(struct dlq *d, struct err *e)
{
	char stdin_name[] = "-";
	char *const none[] = { stdin_name };
	char *const *files = d->nargs > 0 ? d->args : none;
	int n = d->nargs > 0 ? d->nargs : 1, rc;
	struct intake *in = NULL;
	int64_t added = 0;

	rc = intake_open(&in, d->opts->bad, e);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = intake_read(in, files[i], e);
	if (rc == 0)
		rc = intake_flush(in, e);
	if (rc == 0)
		err_note("etl-dlq", db_url_notice(d->opts->db));
	if (rc == 0)
		rc = control_open_tables(&d->db, d->opts->db,
		    d->opts->control_schema, true, e);
	if (rc == 0)
		rc = store_all_rejects(d, in, &added, e);
	if (rc == 0)
		rc = finish_put(d, in, added, e);
	intake_free(in);
	return rc;
}
