#include "stream/stage.h"

#include "base/file.h"
#include "base/text.h"
#include "stream/stage_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STREAM_NAME_MAX = 200,
	STAGE_NAME_MAX = 48     /* mark_name_stage() may append a
	                         * number */
};

/* Appends at most STREAM_NAME_MAX bytes of the text, with control characters
 * and bytes that are not UTF-8 escaped. */
static void
put_cut_name(struct buf *b, const char *p, size_t n)
{
	struct buf shown;

	buf_init(&shown, SIZE_MAX / 4);
	text_show(&shown, p, n);
	(void)buf_text(&shown);
	if (shown.failed)
		b->failed = true;
	else
		buf_add(b, shown.data, text_cut_length(
		    shown.data, shown.len, STREAM_NAME_MAX));
	buf_release(&shown);
}

/* Appends the last part of the path p, which is not empty: what follows the
 * last slash. Ignores slashes at the end of p. */
static void
put_last_part(struct buf *b, const char *p, size_t n)
{
	size_t first;

	while (n > 1 && p[n - 1] == '/')
		n--;
	for (first = n; first > 0 && p[first - 1] != '/'; first--)
		;
	put_cut_name(b, first < n ? p + first : p, first < n ? n - first : n);
}

/* Appends the host of USER:PASSWORD@HOST:PORT; all parts but HOST may be
 * missing. An IPv6 address keeps its brackets: [::1] for [::1]:80. */
static void
put_host(struct buf *b, const char *p, size_t n)
{
	const char *at = memrchr(p, '@', n);
	size_t skip = at != NULL ? (size_t)(at + 1 - p) : 0, len;

	p += skip;
	n -= skip;
	for (len = 0; len < n && p[len] != ']' && (*p == '[' || p[len] != ':');
	    len++)
		;
	put_cut_name(b, p, len + (len < n && p[len] == ']'));
}

/* Appends the last part of the path of a URL, or its host if there is no
 * path. */
static void
put_url_name(struct buf *b, const char *authority)
{
	size_t host = strcspn(authority, "/?#"), path;

	path = strcspn(authority + host, "?#");
	if (path > strspn(authority + host, "/"))
		put_last_part(b, authority + host, path);
	else
		put_host(b, authority, host);
}

/* Appends the name of the file that is open as standard input. Returns false if
 * it is not a regular file or has no name. For example, a shell may write the
 * text of "<<EOF" to a file and remove the file. */
static bool
put_stdin_name(struct buf *b)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_nlink == 0)
		return false;
	n = readlink("/proc/self/fd/0", path, sizeof(path));
	if (n <= 0 || path[0] != '/')
		return false;
	put_last_part(b, path, (size_t)n);
	return true;
}

void
stream_name_put(struct buf *b, const char *source)
{
	const char *scheme = source != NULL ? strstr(source, "://") : NULL;

	if (scheme != NULL)
		put_url_name(b, scheme + 3);
	else if (source != NULL && *source != '\0' && strcmp(source, "-") != 0)
		put_last_part(b, source, strlen(source));
	else if (!put_stdin_name(b))
		buf_str(b, "stdin");
}

/* Checks `name`, the value of --stage. `program` is the stage name that this
 * program has without --stage, such as "transform". Refuses the name of another
 * etl program: the rejects of both would have the same stage name. */
static int
check_stage_name(const char *name, const char *program, struct err *e)
{
	static const struct {
		const char *stage, *program;
	} used[] = {
		{ "checkpoint", "etl-checkpoint" },
		{ "extract", "etl-extract" }, { "load", "etl-load" },
		{ "replay", "etl-dlq replay" },
		{ "transform", "etl-transform" }, { "via", "etl-via" },
	};
	size_t n = strcspn(name, ".");

	if (name_check("--stage", name, STAGE_NAME_MAX, e) == -1)
		return -1;
	if (strchr(name, '/') != NULL)
		return err_set(e, ERR_USAGE, false, "--stage %s: must not "
		    "contain a slash", name);
	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (strlen(used[i].stage) == n &&
		    memcmp(used[i].stage, name, n) == 0 &&
		    strcmp(used[i].stage, program) != 0)
			return err_set(e, ERR_USAGE, false, "--stage %s: this "
			    "is the stage name of %s: give another name", name,
			    used[i].program);
	return 0;
}

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

/* Opens the input: the files, or else standard input. Refuses a file that is
 * also standard output: the program would read what it writes and never end. */
static int
open_input(struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	size_t max = 2 * s->max_record + MARK_SPARE;
	struct stat in, out;
	bool has_output = fstat(STDOUT_FILENO, &out) == 0;

	if (c->nfiles == 0)
		return lines_open(&s->in, STDIN_FILENO, max, e);
	for (size_t i = 0; has_output && i < c->nfiles; i++)
		if (stat(c->files[i], &in) == 0 && S_ISREG(in.st_mode) &&
		    is_same_file(&in, &out))
			return err_set(e, ERR_USAGE, false, "%s: is standard "
			    "output too: write to another file", c->files[i]);
	return lines_open_files(&s->in, c->files, c->nfiles, max, e);
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

int
stage_open(struct stage **out, const struct stage_conf *c, struct err *e)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct stat st;

	if (s == NULL)
		return err_nomem(e);
	s->conf = c;
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
	} else if (errno != EBADF && (!c->source || c->reads_stdin)) {
		(void)err_errno(e, ERR_IO, "standard input");
		stage_close(s);
		return -1;
	}
	if ((c->stage != NULL &&
		check_stage_name(c->stage, c->name, e) == -1) ||
	    (c->stream != NULL &&
		name_check("--stream", c->stream, STREAM_NAME_MAX, e) == -1)) {
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

int
record_options_check(uint64_t max_record, const char *duplicates,
    enum json_members *members, struct err *e)
{
	static const char *const values[] = { "last", NULL };

	*members = duplicates != NULL ? JSON_LAST : JSON_UNIQUE;
	if (duplicates != NULL && suggest_choice("--duplicate-members",
	    duplicates, values, e) == -1)
		return -1;
	if (max_record >= 1 && max_record <= 1 << 30)
		return 0;
	return err_set(e, ERR_USAGE, false,
	    "--max-record: the value must be from 1 byte to 1GiB");
}
