/* The sub-command replay: writes the records of dead letters (stored rejects)
 * as a stream that is piped into the pipeline again. The stage that rejected a
 * record must process it again, so all letters of a replay must be of the same
 * pipeline, stream, stage and table. */
#include "base/text.h"
#include "dlq.h"
#include "json/write.h"
#include "stream/stage.h"

#include <stdlib.h>
#include <string.h>

/* Writes the records of one dead letter into the stream of a replay, and the
 * mark resolve after them. */

/* Returns the reason why the record is too long, or NULL. The stage that reads
 * a record longer than --max-record would reject it again and keep only its
 * start: that would be another dead letter with another id. */
static const char *
why_too_long(const struct dlq *d, const struct letter *l)
{
	uint64_t most = d->opts->max_record > 0 ? d->opts->max_record :
	    LINES_MAX;

	return l->raw_len > most ? "its record is longer than --max-record" :
	    NULL;
}

/* True if the stage extract has rejected the record. etl-extract reads records
 * of many forms, and some contain newlines. They are therefore written as raw
 * marks and not as lines. A second etl-extract of a stream, such as one with
 * --each, has another name (extract.2) and reads lines. */
static bool
is_of_extract(const struct letter *l)
{
	return strcmp(l->stage, "extract") == 0;
}

/* Returns the reason why a letter cannot be replayed, or NULL. */
static const char *
why_not_replayable(const struct dlq *d, const struct letter *l)
{
	if (l->erased_at != NULL)
		return "its bytes were erased";
	if (l->bytes != 0)
		return "only the start of its record was kept";
	if (is_of_extract(l))
		return l->raw_len > 0 ? why_too_long(d, l) :
		    "its record is empty";
	if (strspn(l->raw, " \t\r") >= l->raw_len)
		return "its record is empty";
	if (memchr(l->raw, '\n', l->raw_len) != NULL)
		return "it is more than one line: see etl-dlq show --raw";
	if (is_mark_line(l->raw, l->raw_len))
		return "its record looks like a mark (reserved)";
	return why_too_long(d, l);
}

static void
put_member(struct buf *b, const char *name, const struct json *j,
    uint32_t value)
{
	json_put_raw(b, name, "", 0);
	json_put_compact(b, j, value);
}

/* Appends the members of the letter's origin, which says where etl-extract
 * found the record. If the record is rejected again, its reject gets the same
 * origin. The names of the columns are a member of the mark itself. */
static int
put_origin(struct buf *b, const struct letter *l, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	uint32_t columns;

	if (l->origin == NULL || *l->origin == '\0')
		return 0;
	if (json_scan(&j, l->origin, strlen(l->origin), 1, JSON_LAST, &f) ==
		-1 || j.tok[0].type != JSON_OBJECT) {
		json_release(&j);
		return f.nomem ? err_nomem(e) : 0;
	}
	if ((columns = json_member_value(&j, 0, "columns", 7)) != 0)
		put_member(b, "columns", &j, columns);
	json_put_raw(b, "origin", "{", 1);
	for (uint32_t i = 1; i < j.tok[0].next; i = j.tok[i + 1].next) {
		if (i + 1 == columns)
			continue;
		if (b->len > 0 && b->data[b->len - 1] != '{')
			buf_char(b, ',');
		buf_add(b, j.text + j.tok[i].at, j.tok[i].len);
		buf_char(b, ':');
		json_put_compact(b, &j, i + 1);
	}
	buf_char(b, '}');
	json_release(&j);
	return 0;
}

static int
write_raw_mark(void *self, struct out *out, struct err *e)
{
	const struct letter *l = self;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_str(&b, "{\"@etl\":\"raw\"");
	json_put_text(&b, "id", l->reject_id);
	rc = put_origin(&b, l, e);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0)
		rc = write_raw_member(out, l, e);
	return rc == 0 ? out_write_part(out, "}", 1, e) : rc;
}

static int
emit_record(struct stage *s, const struct letter *l, struct err *e)
{
	struct letter copy = *l;

	return is_of_extract(l) ?
	    stage_emit_raw(s, write_raw_mark, &copy, e) :
	    stage_emit(s, l->raw, l->raw_len, e);
}

/* Writes the bytes of each open occurrence (rejection that is not settled), the
 * oldest first. With --once, writes equal bytes only once. */
static int
emit_occurrences(struct dlq *d, struct stage *s, const struct letter *l,
    struct err *e)
{
	struct occurrences o;
	int more = occurrences_open(&o, d, l,
	    d->opts->once ? TIMES_OPEN_DISTINCT : TIMES_OPEN, e);

	while (more != -1 && (more = occurrences_next(&o, e)) == 1)
		if (o.with_its_bytes.raw == NULL)
			err_warnf("etl-dlq", "replay: letter %lld: the bytes "
			    "of one of its rejections were erased",
			    (long long)l->id);
		else if (emit_record(s, &o.with_its_bytes, e) == -1)
			more = -1;
	occurrences_close(&o);
	return more;
}

/* Writes the records of the letter and the mark resolve. */
static int
emit_letter(struct dlq *d, struct stage *s, const struct letter *l,
    struct err *e)
{
	int64_t open = l->attempts - l->resolved_upto;
	struct resolve_mark m = { .id = l->reject_id,
	    .seen = (uint64_t)l->attempts,
	    .upto = (uint64_t)l->resolved_upto };

	if (l->has_own_bytes) {
		if (emit_occurrences(d, s, l, e) == -1)
			return -1;
		return stage_resolve(s, &m, e);
	}
	if (d->opts->once || open < 1)
		open = 1;
	while (open-- > 0)
		if (emit_record(s, l, e) == -1)
			return -1;
	return stage_resolve(s, &m, e);
}

/* Returns 1 if all records of the letter can be replayed; 0 with the reason in
 * *why; -1 on failure. If one occurrence cannot be replayed, the whole letter
 * is left out, because the mark resolve settles all of its occurrences. */
static int
check_replayable(struct dlq *d, const struct letter *l, const char **why,
    struct err *e)
{
	struct occurrences o;
	int more;

	if ((*why = why_not_replayable(d, l)) != NULL)
		return 0;
	if (!l->has_own_bytes)
		return 1;
	more = occurrences_open(&o, d, l, TIMES_OPEN, e);
	while (more != -1 && *why == NULL &&
	    (more = occurrences_next(&o, e)) == 1)
		if (o.with_its_bytes.raw != NULL)
			*why = why_not_replayable(d, &o.with_its_bytes);
	occurrences_close(&o);
	return more == -1 ? -1 : *why == NULL;
}

static int
replay_letter(struct dlq *d, struct stage *s, struct letters *from,
    struct letter *l, struct left_out *left, struct err *e)
{
	const char *why = why_too_long(d, l);
	int rc = why == NULL ? letters_read_raw(from, l, e) : 0;

	if (rc == 0 && why == NULL)
		why = "another command changed it while it was read";
	if (rc == 1)
		rc = check_replayable(d, l, &why, e);
	if (rc == 1)
		return emit_letter(d, s, l, e);
	if (rc == 0)
		left_out_add(left, l, why);
	return rc;
}

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
