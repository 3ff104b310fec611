#include "stage_impl.h"

#include "base/clock.h"
#include "base/same_file.h"
#include "base/text.h"
#include "stream_name.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest mark is a reject. It contains a whole record as a JSON string,
 * which is at most twice as long as the record (reject_raw_is_text() in
 * reject.c). Its other members have less than MARK_SPARE bytes. */
enum { MARK_SPARE = 1 << 20 };

bool
stage_in_etl_run(void)
{
	const char *run = getenv("ETL_RUN");

	return run != NULL && run[0] != '\0';
}

/* Refuses a --rejects file that is also the input or the output. The program
 * would read its rejects as records, or they would be overwritten. */
static int
check_reject_file(const struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	struct stat st;

	if (c->rejects == NULL)
		return 0;
	for (size_t i = 0; i < c->nfiles; i++)
		if (stat(c->files[i], &st) == 0 &&
		    reject_file_is(s->aside, &st))
			return err_set(e, ERR_USAGE, false, "--rejects %s: "
			    "this is an input too: give another file",
			    c->rejects);
	if (!c->source && fstat(STDIN_FILENO, &st) == 0 &&
	    reject_file_is(s->aside, &st))
		return err_set(e, ERR_USAGE, false, "--rejects %s: this is "
		    "standard input: give another file", c->rejects);
	if (!c->sink && fstat(STDOUT_FILENO, &st) == 0 &&
	    reject_file_is(s->aside, &st))
		return err_set(e, ERR_USAGE, false, "--rejects %s: this is "
		    "standard output: give another file, or write 3>&1 in its "
		    "place to have the rejects in the stream", c->rejects);
	return 0;
}

/* Refuses an input file that is also standard output: the program would read
 * what it writes and never end. */
static int
check_input_files(const struct stage_conf *c, struct err *e)
{
	struct stat in, out;

	if (c->nfiles == 0 || fstat(STDOUT_FILENO, &out) == -1)
		return 0;
	for (size_t i = 0; i < c->nfiles; i++)
		if (stat(c->files[i], &in) == 0 && S_ISREG(in.st_mode) &&
		    is_same_file(&in, &out))
			return err_set(e, ERR_USAGE, false, "%s: is standard "
			    "output too: write to another file", c->files[i]);
	return 0;
}

/* Opens the input: the files, or else standard input. */
static int
open_input(struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	size_t max = 2 * s->max_record + MARK_SPARE;

	if (check_input_files(c, e) == -1)
		return -1;
	return c->nfiles > 0 ?
	    lines_open_files(&s->in, c->files, c->nfiles, max, e) :
	    lines_open(&s->in, STDIN_FILENO, max, e);
}

/* Opens what the stage reads and writes, and its place for rejects. */
static int
open_files(struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	bool stream = c->fds != NULL && c->fds->same && !c->sink;

	if (reject_limit_parse(&s->limit, c->max_rejects, e) == -1 ||
	    causes_new(&s->causes, e) == -1)
		return -1;
	if (!c->source && open_input(s, e) == -1)
		return -1;
	if (!c->sink && out_open(&s->out, STDOUT_FILENO, "standard output",
	    e) == -1)
		return -1;
	if (reject_file_open(&s->aside, c->rejects, stream ? NULL : c->fds,
	    e) == -1)
		return -1;
	return check_reject_file(s, e);
}

const char *
stage_wanted_name(const struct stage *s)
{
	return s->conf->stage != NULL ? s->conf->stage : s->conf->name;
}

static int
check_stage_names(const struct stage_conf *c, struct err *e)
{
	if (c->stage != NULL && stream_check_stage(c->stage, c->name, e) == -1)
		return -1;
	return c->stream != NULL ? stream_name_check(c->stream, e) : 0;
}

int
stage_open(struct stage **out, const struct stage_conf *c, struct err *e)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct stat st;

	if (s == NULL)
		return err_nomem(e);
	s->conf = c;
	s->opened = clock_ms();
	s->max_record = c->max_record > 0 ? c->max_record : LINES_MAX;
	if (s->max_record > SIZE_MAX / 8)
		s->max_record = SIZE_MAX / 8;
	buf_init(&s->kept, 2 * s->max_record + MARK_SPARE);
	buf_init(&s->text, 4 * s->max_record + 2 * (size_t)MARK_SPARE);
	if (c->nfiles > 0) {
		s->regular = true;
	} else if (fstat(STDIN_FILENO, &st) == 0) {
		s->regular = S_ISREG(st.st_mode);
		s->piped = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
		s->begun_before =
		    s->regular && lseek(STDIN_FILENO, 0, SEEK_CUR) > 0;
	}
	if (check_stage_names(c, e) == -1) {
		stage_close(s);
		return -1;
	}
	reject_who_init(&s->who, stage_wanted_name(s));
	s->pipeline = s->who.pipeline;
	mark_name_stage(s->counts.stage, stage_wanted_name(s), NULL, 0);
	if (open_files(s, e) == -1 || stage_report_open(s, e) == -1) {
		stage_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
stage_close(struct stage *s)
{
	if (s == NULL)
		return;
	mark_release(&s->begin);
	mark_release(&s->mark);
	lines_close(s->in);
	out_free(s->out);
	reject_file_close(s->aside);
	causes_free(s->causes);
	free(s->broken_json);
	free(s->cut);
	buf_release(&s->text);
	buf_release(&s->kept);
	free(s);
}

void
stage_shrink(struct stage *s)
{
	lines_shrink(s->in);
}

bool
stage_is_ready(const struct stage *s)
{
	return s->over || lines_is_ready(s->in);
}

const struct mark *
stage_last_mark(const struct stage *s)
{
	return s->given;
}

static bool
has_begin_mark(const struct stage *s)
{
	return s->begin.id != NULL;
}

const struct mark *
stage_begin_mark(const struct stage *s)
{
	return has_begin_mark(s) ? &s->begin : NULL;
}

bool
stage_is_complete(const struct stage *s)
{
	return (s->regular && !s->begun_before) ||
	    (s->state == STATE_ENDED && !s->made);
}

int
stage_note_cut(struct stage *s, const char *file, uint64_t line, struct err *e)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	text_show(&b, file, strlen(file));
	buf_printf(&b, ": line %llu", (unsigned long long)line);
	(void)buf_text(&b);
	if (buf_check(&b, e) == -1) {
		buf_release(&b);
		return -1;
	}
	free(s->cut);
	s->cut = b.data;
	return 0;
}

const char *
stage_find_cut(const struct stage *s)
{
	return s->cut != NULL ? s->cut :
	    s->state == STATE_ENDED ? s->mark.cut : NULL;
}

const struct counts *
stage_counts(const struct stage *s)
{
	return &s->counts;
}

const char *
stage_name(const struct stage *s)
{
	return s->counts.stage;
}

struct reject_who *
stage_reject_who(struct stage *s)
{
	return &s->who;
}

const struct limit *
stage_limit(const struct stage *s)
{
	return &s->limit;
}

uint64_t
stage_reject_lines(const struct stage *s)
{
	return s->seen;
}

enum reject_way
stage_reject_way(const struct stage *s)
{
	if (s->begin.replay)
		return REJECT_TO_STREAM;
	if (s->aside != NULL)
		return REJECT_TO_FILE;
	if (has_begin_mark(s))
		return REJECT_TO_STREAM;
	if (!s->conf->sink && s->conf->fds != NULL && s->conf->fds->same)
		return REJECT_TO_STREAM;
	return REJECT_NOWHERE;
}
