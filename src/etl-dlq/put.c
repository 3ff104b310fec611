/* put: rejects from files and saved streams.  The input is read to its end
 * first, into a temporary file, so that no transaction waits for a pipe. */
#include "dlq.h"

#include "base/retry.h"
#include "base/wait.h"
#include "json/scan.h"
#include "stream/lines.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5, PART_LINES = 4096, PART_BYTES = 4 << 20 };
static const size_t line_max = (size_t)7 * LINES_MAX;   /* raw, escaped */

struct spool {
	FILE *file;
	struct json json;
	uint64_t rejects, others, broken;
	struct err why;         /* of the first broken line */
};

static void
broken(struct spool *s, const char *name, uint64_t number, const char *why)
{
	if (s->broken++ == 0)
		(void)err_set(&s->why, ERR_DATA, false, "%s: line %llu: %s",
		    name, (unsigned long long)number, why);
}

/* 0 a reject line, 1 something else, -1 nothing of the kind. */
static int
line_judge(struct spool *s, const struct line *l, const char **why)
{
	struct mark m = { 0 };
	struct json_fault f = { 0 };
	struct err e = { 0 };
	int rc = 1;

	if (l->too_long) {
		*why = "too long";
		return -1;
	}
	if (json_scan(&s->json, l->data, l->len, 1, JSON_LAST, &f) == -1) {
		*why = "no JSON: torn?";
		return -1;
	}
	if (!mark_is(l->data, l->len))
		return 1;
	*why = "a mark that is not in order";
	if (mark_parse(&m, l->data, l->len, &e) == -1)
		rc = -1;
	else if (m.kind == MARK_REJECT)
		rc = letter_check(l->data, l->len, &e);
	mark_release(&m);
	return rc;
}

static int
line_take(struct spool *s, const struct line *l, const char *name,
    struct err *e)
{
	const char *why = "";
	int kind = line_judge(s, l, &why);

	if (kind == -1)
		broken(s, name, l->number, why);
	if (kind == 1)
		s->others++;
	if (kind != 0)
		return 0;
	s->rejects++;
	if (fwrite(l->data, 1, l->len, s->file) != l->len ||
	    putc('\n', s->file) == EOF)
		return err_errno(e, ERR_IO, "temporary file");
	return 0;
}

static int
file_take(struct spool *s, const char *name, struct err *e)
{
	bool in = strcmp(name, "-") == 0;
	int fd = in ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	enum lines_result r = LINES_FAILED;
	struct lines *lines = NULL;
	struct line l;

	if (fd == -1)
		return err_errno(e,
		    errno == EACCES ? ERR_DENIED : ERR_INPUT, name);
	if (in)
		name = "stdin";
	if (lines_open(&lines, fd, line_max, e) == -1)
		goto out;
	while ((r = lines_next(lines, &l, -1, e)) == LINES_ONE)
		if (line_take(s, &l, name, e) == -1)
			goto out;
	if (r == LINES_FAILED)
		err_prefix(e, "%s", name);
	if (r == LINES_STOP)
		(void)err_set(e, ERR_RETRY, true, "stopped: nothing stored");
out:
	lines_close(lines);
	if (!in)
		(void)close(fd);
	return r == LINES_END ? 0 : -1;
}

/* Some lines of the file, to be stored together. */
struct part {
	char *lines[PART_LINES];
	struct letter_text texts[PART_LINES];
	size_t n, bytes;
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
	while (p->n < PART_LINES && p->bytes < PART_BYTES) {
		size_t cap = 0;
		ssize_t len;

		p->lines[p->n] = NULL;
		if ((len = getline(&p->lines[p->n], &cap, f)) == -1) {
			free(p->lines[p->n]);
			break;
		}
		p->texts[p->n] = (struct letter_text){ p->lines[p->n],
		    (size_t)len - 1 };
		p->bytes += cap;
		p->n++;
	}
	return p->n > 0;
}

static int
spool_put(struct dlq *d, struct spool *s, int64_t *added, struct err *e)
{
	struct part *p = calloc(1, sizeof(*p));
	int64_t some = 0;
	int rc = 0;

	if (p == NULL)
		return err_nomem(e);
	*added = 0;
	rewind(s->file);
	while (rc == 0 && part_read(p, s->file)) {
		rc = letters_put(d->db, p->texts, p->n, 0, &some, e);
		*added += some;
	}
	if (rc == 0 && ferror(s->file))
		rc = err_errno(e, ERR_IO, "temporary file");
	part_clear(p);
	free(p);
	return rc;
}

/* Occurrences that are known add none: so the whole may be done again, also
 * where the answer to COMMIT was lost. */
static int
spool_store(struct dlq *d, struct spool *s, int64_t *added, struct err *e)
{
	const struct retry wait = { TRIES, 200, 5000 };

	for (uint64_t n = 1;; n++) {
		if (db_begin(d->db, e) == 0 &&
		    spool_put(d, s, added, e) == 0 &&
		    db_commit(d->db, e) == 0)
			return 0;
		db_rollback(d->db);
		if (!db_fault(d->db)->again || n > wait.max ||
		    wait_ms(retry_wait(&wait, n)) == -1)
			return -1;
		while (db_reopen(d->db, e) == -1)
			if (!e->transient || ++n > wait.max ||
			    wait_ms(retry_wait(&wait, n)) == -1)
				return -1;
	}
}

static int
report(struct dlq *d, const struct spool *s, int64_t added, struct err *e)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%lld stored, %lld known before, "
	    "%llu other lines", (long long)added,
	    (long long)s->rejects - (long long)added,
	    (unsigned long long)s->others);

	if (out_line(d->out, text, (size_t)n, e) == -1)
		return -1;
	if (s->broken == 0)
		return 0;
	*e = s->why;
	if (s->broken > 1)
		err_prefix(e, "%llu lines were left out",
		    (unsigned long long)s->broken);
	else
		err_prefix(e, "a line was left out");
	return -1;
}

int
put_command(struct dlq *d, struct err *e)
{
	char in[] = "-";
	char *const none[] = { in };
	char *const *files = d->nargs > 0 ? d->args : none;
	int n = d->nargs > 0 ? d->nargs : 1, rc = 0;
	struct spool s = { .file = tmpfile() };
	int64_t added = 0;

	if (s.file == NULL)
		return err_errno(e, ERR_CREATE, "temporary file");
	for (int i = 0; rc == 0 && i < n; i++)
		rc = file_take(&s, files[i], e);
	if (rc == 0 && fflush(s.file) == EOF)
		rc = err_errno(e, ERR_IO, "temporary file");
	if (rc == 0)
		rc = dlq_open(d, e);
	if (rc == 0 && s.rejects > 0)
		rc = spool_store(d, &s, &added, e);
	if (rc == 0)
		rc = report(d, &s, added, e);
	json_release(&s.json);
	(void)fclose(s.file);
	return rc;
}
