#include "base/clock.h"
#include "base/hash.h"
#include "base/stop.h"
#include "stream/stage.h"
#include "stream/stage_impl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int
stage_hold(struct stage *s, struct err *e)
{
	struct buf both;
	int rc = 0;

	buf_init(&both, SIZE_MAX / 4);
	if (s->kept.len > 0)
		rc = mark_add_files(&both, s->line.data,
		    s->line.len, s->kept.data, s->kept.len, e);
	else
		buf_add(&both, s->line.data, s->line.len);
	if (rc == 0)
		rc = buf_check(&both, e);
	buf_release(&s->kept);
	s->kept = both;
	return rc;
}

/* If a mark checkpoint is held back, writes it, just before the mark resolve or
 * end that was read after it. No record comes between the two marks, so the
 * counts of the mark that was read are right for the held checkpoint, too. */
static int
stage_write_held(struct stage *s, struct err *e)
{
	struct buf moved;
	int rc = -1;

	if (s->kept.len == 0)
		return 0;
	buf_init(&moved, s->text.max);
	buf_clear(&s->text);
	if (mark_replace_stages(&moved, s->kept.data, s->kept.len, s->line.data,
	    s->line.len, e) == 0 &&
	    mark_add_stage(&s->text, moved.data, moved.len, &s->counts, e) == 0)
		rc = out_write_line(s->out, s->text.data, s->text.len, e);
	buf_release(&moved);
	buf_clear(&s->kept);
	return rc;
}

void
stage_drop_passed(struct stage *s, uint64_t n)
{
	s->passed -= n;
	s->counts.dropped += n;
}

enum pipe_reader {
	READER_NONE,            /* none found */
	READER_HARMLESS,        /* an etl program, a program that passes lines
	                         * on unchanged, or one whose output no program
	                         * reads */
	READER_SHELL,           /* a shell, which may be about to start the
	                         * program that will read the pipe */
	READER_FOREIGN          /* another program, whose output a further
	                         * program reads */
};

enum { READER_NAME = 16 };

enum { LINK = 64 };

static const char *const shells[] = {
	"sh", "ash", "bash", "dash", "ksh", "mksh", "yash", "zsh", NULL
};

/* These programs do not turn marks into records. Some pass lines on unchanged,
 * write no records, or start another program. The others are interpreters,
 * which may run a stage that knows marks (etl-record(5), A STAGE OF YOUR
 * OWN). */
static const char *const harmless[] = {
	"bzip2", "cat", "cmp", "dd", "diff", "docker", "doas", "env", "fish",
	"flock", "gpg", "gzip", "head", "ionice", "java", "kubectl", "less",
	"ltrace", "lua", "lz4", "mbuffer", "md5sum", "more", "nc", "ncat",
	"nice", "node", "nohup", "openssl", "perl", "php", "pigz", "podman",
	"pv", "python", "ruby", "setsid", "sha256sum", "sleep", "socat", "ssh",
	"stdbuf", "strace", "sudo", "tail", "tee", "timeout", "wc", "xz",
	"zstd", NULL
};

/* True if the name is in the list, without a version at its end: python3.11
 * counts as python. */
static bool
is_in_list(const char *name, const char *const *list)
{
	size_t n = strcspn(name, "0123456789");

	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0 ||
		    (n > 0 && strlen(*list) == n &&
		    strncmp(name, *list, n) == 0))
			return true;
	return false;
}

/* Reads the name of a process, which proc(5) calls comm. */
static bool
read_process_name(int proc, const char *pid, char name[READER_NAME])
{
	char path[LINK];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%.32s/comm", pid);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, name, READER_NAME - 1);
	(void)close(fd);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *p = name; *p != '\0'; p++)   /* any program chooses its */
		if (!isgraph((unsigned char)*p))
			*p = '?';
	return n > 0;
}

/* Reads a link in /proc/PID: "fd/0" leads to the standard input, such as
 * "pipe:[1234]", and "exe" to the program file. Unless this user is root, it
 * fails for an etl program, which forbids other processes to read its
 * memory. */
static bool
read_link(int proc, const char *pid, const char *link, char text[PATH_MAX])
{
	char path[LINK];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.32s/%s", pid, link);
	n = readlinkat(proc, path, text, PATH_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* True if the process runs a script: its program file is a shell or another
 * interpreter. The name of such a process is the name of the script. */
static bool
runs_script(int proc, const char *pid)
{
	char exe[PATH_MAX];
	const char *slash;

	return read_link(proc, pid, "exe", exe) &&
	    (slash = strrchr(exe, '/')) != NULL &&
	    (is_in_list(slash + 1, shells) || is_in_list(slash + 1, harmless));
}

static bool
is_etl_program(int proc, const char *pid)
{
	char name[READER_NAME];

	return read_process_name(proc, pid, name) &&
	    strncmp(name, "etl-", 4) == 0;
}

/* Finds out what kind of program the reader is. For READER_FOREIGN also sets
 * `name`, and `out` to the pipe that is its standard output. */
static enum pipe_reader
classify_reader(int proc, const char *pid, char name[READER_NAME],
    char out[PATH_MAX])
{
	if (!read_process_name(proc, pid, name) ||
	    is_etl_program(proc, pid) || is_in_list(name, harmless))
		return READER_HARMLESS;
	if (is_in_list(name, shells))
		return READER_SHELL;
	return !runs_script(proc, pid) &&
	    read_link(proc, pid, "fd/1", out) &&
	    strncmp(out, "pipe:", 5) == 0 ? READER_FOREIGN : READER_HARMLESS;
}

/* Returns the next process of this program's process group, except this program
 * itself, or NULL. */
static const char *
next_process(DIR *dir)
{
	struct dirent *d;
	pid_t id;

	while ((d = readdir(dir)) != NULL) {
		id = (pid_t)strtol(d->d_name, NULL, 10);
		if (isdigit((unsigned char)d->d_name[0]) && id != getpid() &&
		    getpgid(id) == getpgrp())
			return d->d_name;
	}
	return NULL;
}

/* True if a process of the group may read the pipe: its standard input is the
 * pipe, or it is an etl program whose standard input cannot be read. In a
 * command substitution, $(...), no process has the pipe as standard input. */
static bool
may_have_reader(DIR *dir, const char *pipe)
{
	char in[PATH_MAX];
	const char *pid;

	rewinddir(dir);
	while ((pid = next_process(dir)) != NULL)
		if (read_link(dirfd(dir), pid, "fd/0", in) ?
		    strcmp(in, pipe) == 0 : errno == EACCES &&
		    is_etl_program(dirfd(dir), pid))
			return true;
	return false;
}

static enum pipe_reader
find_reader(DIR *dir, const char *pipe, char name[READER_NAME])
{
	enum pipe_reader found = READER_NONE, one;
	char in[PATH_MAX], out[PATH_MAX];
	const char *pid;

	while ((pid = next_process(dir)) != NULL) {
		if (!read_link(dirfd(dir), pid, "fd/0", in) ||
		    strcmp(in, pipe) != 0)
			continue;
		one = classify_reader(dirfd(dir), pid, name, out);
		if (one == READER_FOREIGN)
			return may_have_reader(dir, out) ?
			    READER_FOREIGN : READER_HARMLESS;
		if (one > found)
			found = one;
	}
	return found;
}

/* Finds out what kind of program reads standard output. If the result is
 * READER_FOREIGN, sets its name. */
static enum pipe_reader
pipe_reader_find(char name[READER_NAME])
{
	enum pipe_reader found;
	char pipe[LINK];
	struct stat st;
	DIR *dir;

	if (fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    (dir = opendir("/proc")) == NULL)
		return READER_HARMLESS;
	(void)snprintf(pipe, sizeof(pipe), "pipe:[%llu]",
	    (unsigned long long)st.st_ino);
	found = find_reader(dir, pipe, name);
	(void)closedir(dir);
	return found;
}

enum { FIRST_LOOK = 50, STARTED = 2000, STEP = 5 };      /* ms */

static bool
has_unread_bytes(void)
{
	int n;

	return ioctl(STDOUT_FILENO, FIONREAD, &n) == 0 && n > 0;
}

/* Finds the program that reads the output. A shell starts the programs of a
 * pipeline one after the other. So at first the reader may not exist yet, or
 * may still be the shell. At the end of the stream (`ended`), all records are
 * written, so waiting for the reader delays none of them. The wait ends when
 * all bytes were read, because the reader must then have started. The bytes are
 * looked at before the processes: a shell found afterwards is the reader. */
static enum pipe_reader
wait_for_reader(const struct stage *s, bool ended, char name[READER_NAME])
{
	for (;;) {
		bool may_come = ended && clock_ms() - s->opened < STARTED &&
		    has_unread_bytes();
		enum pipe_reader found = pipe_reader_find(name);

		if ((found != READER_NONE && found != READER_SHELL) ||
		    !may_come || wait_ms(STEP) == -1)
			return found;
	}
}

/* If a program that may not know marks reads the output, warns once. Call this
 * after a mark was written, and with `ended` at the end of the stream. */
static void
stage_warn_filter(struct stage *s, bool ended)
{
	int64_t age = clock_ms() - s->opened;
	char name[READER_NAME], program[64];
	enum pipe_reader found;

	if (s->reader_known || !s->started || s->conf->bare ||
	    (!ended && (age < FIRST_LOOK || age < 2 * s->looked)))
		return;
	s->looked = age;
	found = wait_for_reader(s, ended, name);
	s->reader_known = found == READER_HARMLESS || found == READER_FOREIGN;
	if (found != READER_FOREIGN)
		return;
	(void)snprintf(program, sizeof(program), "etl-%s",
	    s->conf->replay != NULL ? "dlq" : s->conf->name);
	err_warnf(program, "%s reads this stream, but is no etl program: if it "
	    "changes marks (lines that begin with {\"@etl\":), they may be "
	    "loaded as records: run it as \"etl-via %s\" with its arguments",
	    name, name);
}

int
stage_report_open(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage };

	return s->conf->source ? 0 : run_report_open(&s->report, &in, e);
}

/* Reports to etl-run that the stream begins in this stage. Call this after
 * begin was read, or before it is written. */
static int
stage_report_begin(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage,
		.is_source = s->conf->source, .has_output = s->out != NULL };

	return run_report_begin(&s->report, &s->begin, &in, e);
}

int
stage_report_load(struct stage *s, const struct run_report_load *load,
    struct err *e)
{
	return run_report_load(&s->report, load, e);
}

void
stage_report_failed(struct stage *s, const struct err *why, bool maybe_loaded)
{
	run_report_fail(&s->report, s->counts.stage[0] != '\0' ?
	    s->counts.stage : s->conf->name, why, maybe_loaded);
}

void
stage_report_early(const char *name, const struct err *why)
{
	struct run_report r = { .streams = 0 };

	run_report_fail(&r, name, why, false);
}

/* Stores how many reject lines the output stream has, for the report to
 * etl-run. Call this after the mark end was passed on or written. Adds up the
 * reject lines in the output: those of earlier stages, which the mark end has
 * counted, and those of this stage. */
static void
stage_note_rejects(struct stage *s)
{
	const struct mark *m = &s->mark;
	uint64_t n = s->counts.rejected - s->counts.aside;

	if (!s->made)
		for (size_t i = 0; i < m->nstages; i++)
			n += m->stages[i].rejected - m->stages[i].aside;
	s->report.rejects = n;
}

int
stage_flush(struct stage *s, struct err *e)
{
	return s->out != NULL ? out_flush(s->out, e) : 0;
}

static int
write_text(struct stage *s, struct err *e)
{
	return out_write_line(s->out, s->text.data, s->text.len, e);
}

int
stage_emit(struct stage *s, const char *rec, size_t len, struct err *e)
{
	if (is_mark_line(rec, len))
		return err_bug(e, "it tried to write a record whose first "
		    "member is @etl");
	if (out_write_line(s->out, rec, len, e) == -1)
		return -1;
	s->counts.out++;
	return 0;
}

int
stage_emit_lines(struct stage *s, const char *lines, size_t len, uint64_t n,
    struct err *e)
{
	if (out_write_part(s->out, lines, len, e) == -1)
		return -1;
	s->counts.out += n;
	return 0;
}

int
stage_emit_raw(struct stage *s,
    int (*write)(void *self, struct out *o, struct err *e), void *self,
    struct err *e)
{
	if (write(self, s->out, e) == -1 ||
	    out_write_line(s->out, "", 0, e) == -1)
		return -1;
	s->counts.out++;
	return 0;
}

void
stage_count_input(struct stage *s, bool passed)
{
	if (passed)
		s->passed++;
	else
		s->counts.dropped++;
	s->judge |= s->counts.rejected > 0 && stage_count_outcomes(s) == 20;
}

void
stage_reset_counts(struct stage *s)
{
	s->counts = (struct counts){ 0 };
	s->passed = s->seen = s->seq = 0;
	s->has_seq = s->judge = false;
	buf_clear(&s->kept);
	memset(s->lines, 0, sizeof(s->lines));
}

/* If the stream is a replay (rejected records that are sent through the
 * pipeline again), the first stage that reads it takes the name of the stage
 * that rejected the records. The name is a part of the reject id, so a record
 * that is rejected again gets the same id. */
int
stage_join_stream(struct stage *s, struct err *e)
{
	const struct mark *b = &s->begin;
	bool first = b->replay && b->nstages == 1 && b->stage != NULL;

	s->who.pipeline = b->replay ? b->pipeline : s->pipeline;
	s->who.stream = b->stream;
	if (b->replay && s->conf->rejects != NULL)
		return err_set(e, ERR_CONFIG, false, "--rejects cannot be used "
		    "in a replay, whose rejects must stay in the stream: leave "
		    "it out");
	if (b->nstages >= MARK_STAGES)
		return err_set(e, ERR_PEER, false, "the stream has passed "
		    "through %d stages; more are not possible", MARK_STAGES);
	mark_name_stage(s->counts.stage, first ? b->stage :
	    stage_wanted_name(s), b->stages, b->nstages);
	(void)snprintf(s->who.stage, sizeof(s->who.stage), "%s",
	    s->counts.stage);
	return stage_report_begin(s, e);
}

/* Copies a text to *out. Leaves *out as it is if the text is NULL or "". */
static int
copy_given(char **out, const char *text, struct err *e)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	*out = strdup(text);
	return *out == NULL ? err_nomem(e) : 0;
}

/* Sets the name of the stream in the mark begin: that of --stream, else that
 * of the checkpoint, else a name made from the source. */
static int
choose_stream_name(struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	const char *source = c->source ? c->first_source :
	    c->nfiles > 0 ? c->files[0] : NULL;
	struct buf b;
	int rc;

	if (c->stream != NULL || c->checkpoint != NULL)
		return copy_given(&s->begin.stream,
		    c->stream != NULL ? c->stream : c->checkpoint, e);
	if (c->replay != NULL)
		return copy_given(&s->begin.stream, c->replay->stream, e);
	buf_init(&b, SIZE_MAX / 4);
	stream_name_put(&b, source);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = copy_given(&s->begin.stream, b.data, e);
	buf_release(&b);
	return rc;
}

static int
fill_begin_mark(struct stage *s, struct err *e)
{
	const struct mark *r = s->conf->replay;
	const char *pipeline = getenv("ETL_PIPELINE");
	const char *checkpoint = s->conf->checkpoint;
	struct mark *b = &s->begin;
	char id[UUID_TEXT];

	mark_release(b);
	uuid_new(id);
	b->kind = MARK_BEGIN;
	b->replay = r != NULL;
	b->lookback = s->conf->lookback;
	b->piped = (s->piped || s->begun_before) &&
	    (!s->conf->source || s->conf->reads_stdin);
	if (copy_given(&b->id, id, e) == -1 ||
	    copy_given(&b->run, getenv("ETL_RUN"), e) == -1 ||
	    copy_given(&b->traceparent, getenv("TRACEPARENT"), e) == -1 ||
	    choose_stream_name(s, e) == -1 ||
	    copy_given(&b->checkpoint, checkpoint, e) == -1 ||
	    copy_given(&b->files_by, s->conf->files_by, e) == -1 ||
	    copy_given(&b->pipeline, r != NULL ? r->pipeline : pipeline,
	    e) == -1)
		return -1;
	if (r == NULL)
		return 0;
	return copy_given(&b->stage, r->stage, e) == -1
	    ? -1
	    : copy_given(&b->target, r->target, e);
}

int
stage_begin_stream(struct stage *s, struct err *e)
{
	struct mark *b = &s->begin;

	s->made = true;
	s->state = STATE_OPEN;
	stage_reset_counts(s);
	if (fill_begin_mark(s, e) == -1)
		return -1;
	s->who.stream = s->begin.stream;
	mark_name_stage(s->counts.stage, stage_wanted_name(s), NULL, 0);
	if (stage_report_begin(s, e) == -1)
		return -1;
	if (s->out == NULL)
		return 0;
	/* The mark begin names all stages so far. s->begin.stages holds only
	 * the stages before this one (here none), so add the name of this stage
	 * while the mark is written. */
	b->stages[b->nstages++] = s->counts;
	buf_clear(&s->text);
	if (mark_put_begin(&s->text, b, e) == -1)
		return -1;
	b->nstages = 0;
	s->started = true;
	return write_text(s, e);
}

int
stage_begin_source(struct stage *s, struct err *e)
{
	if (s->conf->stream == NULL && s->conf->checkpoint == NULL &&
	    s->conf->replay == NULL && !stage_in_etl_run()) {
		s->state = STATE_PLAIN;
		return 0;
	}
	return stage_begin_stream(s, e) == -1 ? -1 : stage_flush(s, e);
}

void
stage_set_version(struct stage *s, uint64_t version)
{
	s->has_version = true;
	s->version = version;
}

/* Fails if an input record was neither passed nor dropped nor rejected. */
static int
check_input_counts(const struct stage *s, struct err *e)
{
	const struct counts *c = &s->counts;

	if (s->conf->source || s->conf->sink ||
	    c->in == s->passed + c->dropped + c->rejected)
		return 0;
	return err_bug(e, "%llu records came in, but %llu passed, %llu were "
	    "dropped and %llu rejected", (unsigned long long)c->in,
	    (unsigned long long)s->passed, (unsigned long long)c->dropped,
	    (unsigned long long)c->rejected);
}

/* Writes the mark end of a stream that this stage has begun. */
static int
write_end_mark(struct stage *s, struct err *e)
{
	buf_clear(&s->text);
	if (mark_put_end(&s->text, s->seq, s->has_version ? &s->version : NULL,
	    s->cut, &s->counts, e) == -1)
		return -1;
	s->closed = true;
	stage_note_rejects(s);
	return write_text(s, e);
}

/* Called before this stage writes a mark begin, checkpoint, resolve or end, and
 * at the end of the stream (`ended`). Fails if the counts of this stage do not
 * add up, or if --max-rejects is exceeded: a mark with wrong counts must not
 * reach the loader. */
static int
check_outcomes(struct stage *s, bool ended, struct err *e)
{
	return check_input_counts(s, e) == -1 ? -1 :
	    stage_check_limit(s, ended, e);
}

/* Writes the mark in s->text and flushes the output. Warns once if a filter
 * reads it. */
static int
write_mark(struct stage *s, struct err *e)
{
	if (write_text(s, e) == -1 || stage_flush(s, e) == -1)
		return -1;
	stage_warn_filter(s, false);
	return 0;
}

int
stage_set_broken_files(
    struct stage *s, const struct broken_files *b, struct err *e)
{
	char *copy = strdup(b->json);

	if (copy == NULL)
		return err_nomem(e);
	free(s->broken_json);
	s->broken_json = copy;
	s->broken = (struct broken_files){ copy, b->version };
	return 0;
}

int
stage_checkpoint(struct stage *s, const struct checkpoint_mark *p,
    struct err *e)
{
	buf_clear(&s->text);
	if (check_outcomes(s, false, e) == -1 ||
	    mark_put_checkpoint(&s->text, p, ++s->seq, &s->counts, e) == -1)
		return -1;
	return write_mark(s, e);
}

int
stage_resolve(struct stage *s, const struct resolve_mark *r, struct err *e)
{
	buf_clear(&s->text);
	if (check_outcomes(s, false, e) == -1 ||
	    mark_put_resolve(&s->text, r, ++s->seq, &s->counts, e) == -1)
		return -1;
	return write_mark(s, e);
}

/* Does not write a mark that a reader could refuse because of its length. */
int
stage_write_columns(struct stage *s, const char *types, size_t len,
    struct err *e)
{
	enum { TYPES_MAX = 1 << 20 };

	if (!s->started || len > TYPES_MAX)
		return 0;
	buf_clear(&s->text);
	return mark_put_columns(&s->text, types, len, e) == -1 ? -1 :
	    write_text(s, e);
}

/* Writes the mark that was read, with the counts of this stage added. */
static int
write_counted_mark(struct stage *s, const struct counts *c, struct err *e)
{
	buf_clear(&s->text);
	if (mark_add_stage(&s->text, s->line.data, s->line.len, c, e) == -1)
		return -1;
	return write_mark(s, e);
}

int
stage_pass(struct stage *s, struct err *e)
{
	enum mark_kind k = s->given->kind;
	bool ended = k == MARK_END;

	if (s->out == NULL)
		return 0;
	if (k == MARK_END)
		stage_note_rejects(s);
	if (s->conf->bare && k != MARK_REJECT)
		return check_outcomes(s, ended, e) == -1
		    ? -1
		    : stage_flush(s, e);
	if (k == MARK_BEGIN || mark_is_boundary(k)) {
		if (check_outcomes(s, ended, e) == -1 ||
		    (k != MARK_CHECKPOINT &&
			stage_write_held(s, e) == -1))
			return -1;
		s->started = true;
		return write_counted_mark(s, &s->counts, e);
	}
	if (out_write_line(s->out, s->line.data, s->line.len, e) == -1)
		return -1;
	if (k != MARK_FAILED)
		return 0;
	s->closed = true;
	return stage_flush(s, e);
}

int
stage_set_cut_error(struct err *e)
{
	return err_set(e, ERR_RETRY, true, "the stream was cut off: it has no "
	    "end mark: the program before this one was killed; if it is not an "
	    "etl program, run it as \"etl-via COMMAND\"");
}

int
stage_end(struct stage *s, struct err *e)
{
	bool cut = s->state == STATE_START ||
	    (s->state == STATE_OPEN && !s->made);
	struct reject_tally all;
	char program[64];

	if (s->state == STATE_FAILED) {
		*e = s->cause;
		return -1;
	}
	if (check_outcomes(s, !cut, e) == -1)
		return -1;
	if (cut)
		return stage_set_cut_error(e);
	if (s->made && s->out != NULL && !s->closed &&
	    write_end_mark(s, e) == -1)
		return -1;
	if (stage_flush(s, e) == -1)
		return -1;
	stage_warn_filter(s, true);
	if (!s->conf->sink) {           /* a sink has counted its own rejects */
		(void)snprintf(program, sizeof(program), "etl-%s",
		    s->conf->name);
		all = stage_reject_tally(s, true);
		reject_warn_all(program, &s->limit, &all, s->causes);
	}
	return run_report_end(&s->report, e);
}
