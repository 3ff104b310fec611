/* put: rejects from files and saved streams. */
#include "dlq.h"

#include "base/retry.h"
#include "base/stop.h"
#include "base/wait.h"
#include "control/control.h"

#include <stdlib.h>

enum { TRIES = 5, PART_LINES = 4096, PART_BYTES = 4 << 20 };

/* Some lines of the file, to be stored together, or a large one alone. */
struct part {
	char *lines[PART_LINES];
	struct letter_text texts[PART_LINES];
	size_t n, bytes;
	off_t at;               /* where they begin */
	bool failed;            /* no line, and yet not the end */
};

static void
part_clear(struct part *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[i]);
	p->n = p->bytes = 0;
}

static bool
part_read(struct part *p, FILE *f)
{
	part_clear(p);
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

/* A large line is given away, and so read again for another try. */
static int
large_put(struct dlq *d, struct part *p, FILE *f, int64_t *some,
    struct err *e)
{
	struct buf line;

	if (p->lines[0] == NULL && (fseeko(f, p->at, SEEK_SET) == -1 ||
	    !part_read(p, f)))
		return err_errno(e, ERR_IO, "temporary file");
	buf_init(&line, SIZE_MAX / 4);
	line.data = p->lines[0];
	line.len = line.cap = p->texts[0].len;
	p->lines[0] = NULL;
	*some = 0;
	if (letters_add_large(d->db, &line, 0, some, e) == -1)
		return -1;
	return letters_settle(d->db, NULL, 0, NULL, 0, some, e);
}

static int
part_put(struct dlq *d, struct part *p, FILE *f, int64_t *some,
    struct err *e)
{
	if (p->n == 1 && p->bytes > PART_BYTES)
		return large_put(d, p, f, some, e);
	return letters_put(d->db, p->texts, p->n, 0, some, e);
}

/* *sent is what a COMMIT added of which no answer came, if it was done. */
static int
part_try(struct dlq *d, struct part *p, FILE *f, int64_t *some,
    int64_t *sent, struct err *e)
{
	if (db_begin(d->db, e) == 0 && part_put(d, p, f, some, e) == 0) {
		if (db_commit(d->db, e) == 0)
			return 0;
		if (db_fault(d->db)->lost)
			*sent = *some;
	}
	db_rollback(d->db);
	return -1;
}

/* Occurrences that are known add none: so a part may be done again, also
 * where the answer to COMMIT was lost. All are known then if it was done. */
static int
part_store(struct dlq *d, struct part *p, FILE *f, int64_t *added,
    struct err *e)
{
	const struct retry wait = { TRIES, 200, 5000 };
	int64_t some = 0, sent = 0;

	for (uint64_t n = 1;; n++) {
		if (part_try(d, p, f, &some, &sent, e) == 0) {
			*added += some > 0 ? some : sent;
			return 0;
		}
		if (!db_fault(d->db)->again || n > wait.max ||
		    wait_ms(retry_wait(&wait, n)) == -1)
			return -1;
		while (db_reopen(d->db, e) == -1)
			if (!e->transient || ++n > wait.max ||
			    wait_ms(retry_wait(&wait, n)) == -1)
				return -1;
	}
}

/* In parts, each in a transaction of its own: a large file keeps nobody
 * waiting, and after a fault the same file is put again. */
static int
all_store(struct dlq *d, struct intake *in, int64_t *added, struct err *e)
{
	struct part *p = calloc(1, sizeof(*p));
	FILE *f = intake_rejects(in);
	int rc = 0;

	if (p == NULL)
		return err_nomem(e);
	rewind(f);
	while (rc == 0 && part_read(p, f))
		rc = stop_signal() != 0 ? -1 : part_store(d, p, f, added, e);
	if (rc == 0 && p->failed)
		rc = err_errno(e, ERR_IO, "temporary file");
	if (rc == -1 && stop_signal() != 0)
		(void)err_set(e, ERR_RETRY, true, "put: stopped by a signal, "
		    "%lld stored: put it again", (long long)*added);
	part_clear(p);
	free(p);
	return rc;
}

static int
report(struct dlq *d, const struct intake *in, int64_t added, struct err *e)
{
	uint64_t rejects, others, bad;
	char text[128];
	int n;

	intake_counts(in, &rejects, &others, &bad);
	n = snprintf(text, sizeof(text), "%lld stored, %lld known before, "
	    "%llu other lines", (long long)added,
	    (long long)rejects - (long long)added,
	    (unsigned long long)others);
	if (out_line(d->out, text, (size_t)n, e) == -1)
		return -1;
	if (bad == 0)
		return 0;
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

	rc = intake_new(&in, d->opts->bad, e);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = intake_file(in, files[i], e);
	if (rc == 0)
		rc = intake_end(in, e);
	if (rc == 0)
		err_note("etl-dlq", db_default_note(d->opts->db));
	if (rc == 0)
		rc = control_open(&d->db, d->opts->db, true, e);
	if (rc == 0)
		rc = all_store(d, in, &added, e);
	if (rc == 0)
		rc = report(d, in, added, e);
	intake_free(in);
	return rc;
}
