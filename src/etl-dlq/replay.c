/* The sub-command replay: writes the records of dead letters (stored rejects)
 * as a stream that is piped into the pipeline again. The stage that rejected a
 * record must process it again, so all letters of a replay must be of the same
 * pipeline, stream, stage and table. */
#include "replay_letter.h"

#include "base/shell_word.h"

#include <stdlib.h>
#include <string.h>

/* A message lists at most CHOICES groups of letters in at most CHOICES_TEXT
 * bytes. */
enum { CHOICES = 16, CHOICES_TEXT = 800 };

/* Where the letters were rejected. A text is "" if the letters have no value
 * for it. */
struct choice {
	char *pipeline, *stream, *stage, *target;
	bool any;
};

static int
set_choice(struct choice *c, const struct db_rows *r, struct err *e)
{
	c->pipeline = strdup(db_column(r, 0).p);
	c->stream = strdup(db_column(r, 1).p);
	c->stage = strdup(db_column(r, 2).p);
	c->target = strdup(db_column(r, 3).p);
	if (c->pipeline == NULL || c->stream == NULL || c->stage == NULL ||
	    c->target == NULL)
		return err_nomem(e);
	c->any = true;
	return 0;
}

static void
release_choice(struct choice *c)
{
	free(c->pipeline);
	free(c->stream);
	free(c->stage);
	free(c->target);
}

/* Appends the options that select the letters of one row; a user can paste them
 * into a shell. Leaves out --stream or --target if it is empty in all rows. */
static void
put_group(struct buf *b, const struct db_rows *r, const char *before)
{
	static const char *const names[] = { "pipeline", "stream", "stage",
		"target" };
	const bool needed[] = { true, db_column(r, 5).i != 0, true,
	    db_column(r, 6).i != 0 };

	buf_str(b, before);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (needed[i]) {
			buf_printf(b, " --%s ", names[i]);
			put_shell_word(b, db_column(r, i).p);
		}
	buf_printf(b, " (%lld)", (long long)db_column(r, 4).i);
}

/* Fails with a list of the groups, of which the user must select one. */
static int
refuse_groups(const struct dlq *d, const struct buf *list, bool has_more,
    struct err *e)
{
	return d->nargs > 0 ?
	    err_set(e, ERR_USAGE, false, "replay: the letters are of several "
		"pipelines, streams or stages: give only IDs of one of "
		"these:%.*s%s", (int)list->len, list->data,
		has_more ? ", and more" : "") :
	    err_set(e, ERR_USAGE, false, "replay: the letters are of several "
		"pipelines, streams or stages: select one of these:%.*s%s",
		(int)list->len, list->data, has_more ? ", and more" : "");
}

/* Finds out where the selected letters were rejected, and stores this in *c.
 * Fails if they are of more than one pipeline, stream, stage or table. */
static int
read_choice(struct choice *c, struct dlq *d, const struct letter_filter *f,
    struct err *e)
{
	struct db_value most = f->limit > 0 ? DB_I((int64_t)f->limit) :
	    db_text(NULL);
	struct db_rows *r;
	struct buf list;
	size_t n = 0, shown;
	bool has_more = false;
	int rc;

	if (letters_query(d->db, &r, SQL_LETTERS_GROUPS, &most, 1, f, e) == -1)
		return -1;
	buf_init(&list, SIZE_MAX / 4);
	while ((rc = db_next(r, e)) == 1 && n++ <= CHOICES) {
		if (n == 1 && (rc = set_choice(c, r, e)) == -1)
			break;
		shown = list.len;
		put_group(&list, r, n == 1 ? "" : ",");
		if (n > CHOICES || list.len > CHOICES_TEXT)
			list.len = shown, has_more = true;
	}
	db_end(r);
	if (rc != -1 && buf_check(&list, e) == -1)
		rc = -1;
	if (rc != -1 && n > 1)
		rc = refuse_groups(d, &list, has_more, e);
	buf_release(&list);
	return rc == -1 ? -1 : 0;
}

static int
replay_letters(struct dlq *d, struct stage *s, const struct letter_filter *f,
    struct err *e)
{
	struct left_out left = { "replay", 0 };
	struct letters *letters = NULL;
	struct letter l;
	int more;

	if (letters_open(&letters, d->db, f, e) == -1)
		return -1;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (replay_letter(d, s, letters, &l, &left, e) == -1) {
			more = -1;
			break;
		}
	letters_close(letters);
	left_out_print_total(&left);
	return more;
}

static int
write_stream(struct dlq *d, const struct choice *c,
    const struct letter_filter *all, struct err *e)
{
	struct letter_filter f = *all;
	struct mark m = { .pipeline = c->pipeline, .stream = c->stream,
		.stage = c->stage, .target = c->target };
	const struct stage_conf conf = { .name = "replay", .source = true,
	    .replay = &m, .fds = d->fds };
	struct stage *s = NULL;
	int rc = -1;

	f.pipeline = c->pipeline;
	f.stream = c->stream;
	f.stage = c->stage;
	f.target = c->target;
	if (m.pipeline != NULL && *m.pipeline == '\0')
		m.pipeline = NULL;
	if (stage_open(&s, &conf, e) == -1 || stage_begin_source(s, e) == -1)
		goto out;
	if (c->any && replay_letters(d, s, &f, e) == -1)
		goto out;
	rc = stage_end(s, e);
out:
	if (rc == -1)
		stage_fail(s, e);
	stage_close(s);
	return rc;
}

/* Fails if the letter is not open: its record was loaded by a replay, or a user
 * has closed the letter with etl-dlq resolve or discard. */
static int
check_open(struct dlq *d, const char *name, int64_t id, struct err *e)
{
	const struct letter_filter one = { .ids = &id, .nids = 1,
	    .status = "open" };
	struct db_rows *r;
	int64_t n = 0;
	int rc;

	if (letters_query(d->db, &r, SQL_LETTERS_COUNT, NULL, 0, &one, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		n = db_column(r, 0).i;
	db_end(r);
	if (rc == -1 || n > 0)
		return rc == -1 ? -1 : 0;
	return err_set(e, ERR_LIMIT, false, "%s: this letter is not open: its "
	    "record was loaded by a replay, or the letter was closed with "
	    "etl-dlq resolve or discard", name);
}

/* Sets *ids to an array with the row numbers of the letters that the operands
 * of the command line name. The caller frees the array. Fails if a letter does
 * not exist or is not open. */
static int
find_named_letters(int64_t **ids, struct dlq *d, struct err *e)
{
	*ids = calloc((size_t)d->nargs + 1, sizeof(**ids));
	if (*ids == NULL)
		return err_nomem(e);
	for (int i = 0; i < d->nargs; i++)
		if (letter_find_row(d->db, d->args[i], &(*ids)[i], e) == -1 ||
		    check_open(d, d->args[i], (*ids)[i], e) == -1)
			return -1;
	return 0;
}

/* For --max-attempts N: changes the filter so that it leaves out letters that
 * were rejected N times or more, and prints how many these are. */
static int
limit_attempts(struct dlq *d, struct letter_filter *f, struct err *e)
{
	int64_t all = 0, fresh = 0;
	struct db_rows *r;
	int rc = 0;

	if (d->opts->max_attempts == 0)
		return 0;
	for (int i = 0; i < 2 && rc != -1; i++) {
		f->attempts = i == 0 ? 0 : (int64_t)d->opts->max_attempts;
		if (letters_query(d->db, &r, SQL_LETTERS_COUNT, NULL, 0, f,
		    e) == -1)
			return -1;
		if ((rc = db_next(r, e)) == 1)
			*(i == 0 ? &all : &fresh) = db_column(r, 0).i;
		db_end(r);
	}
	if (rc != -1 && all > fresh)
		err_warnf("etl-dlq", "replay: %lld letter%s left out: "
		    "rejected %llu times or more (--max-attempts)",
		    (long long)(all - fresh), all - fresh == 1 ? " is" :
		    "s are", (unsigned long long)d->opts->max_attempts);
	return rc == -1 ? -1 : 0;
}

/* Opens the database, sets *f to a filter that selects the letters to replay,
 * and stores in *c where they were rejected. */
static int
select_letters(struct dlq *d, struct letter_filter *f, int64_t **ids,
    struct choice *c, struct err *e)
{
	if (dlq_open_database(d, e) == -1)
		return -1;
	*f = d->selection.filter;
	if (find_named_letters(ids, d, e) == -1)
		return -1;
	f->ids = *ids;
	f->nids = (size_t)d->nargs;
	if (limit_attempts(d, f, e) == -1 || read_choice(c, d, f, e) == -1)
		return -1;
	return c->any ? 0 : dlq_print_no_match(d, "replay", e);
}

int
replay_command(struct dlq *d, struct err *e)
{
	struct choice c = { .any = false };
	struct letter_filter f;
	int64_t *ids = NULL;
	int rc = -1;

	if (select_letters(d, &f, &ids, &c, e) == -1)
		stage_fail_pipe("replay", e);
	else
		rc = write_stream(d, &c, &f, e);
	free(ids);
	release_choice(&c);
	return rc;
}
