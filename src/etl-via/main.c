/* etl-via runs a command, such as jq, on the records of a stream. A marked
 * stream also has marks: lines between the records that tell the later programs
 * about the stream. The command gets no marks; etl-via passes them on itself.
 * stream/child.h runs the command. */
#include "base/clock.h"
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "base/text.h"
#include "stream/child.h"
#include "stream/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t
command_write(struct child *c, const char *p, size_t n)
{
	ssize_t done = write(c->in, p, n);

	if (done >= 0)
		return (size_t)done;
	if (errno != EAGAIN && errno != EINTR) {
		c->has_closed_stdin = true;
		child_close_fd(&c->in);
	}
	return 0;
}

/* Closes CMD's standard input. Before that it opens a read end of the same
 * pipe, so that command_check() can query how many bytes
 * CMD has left unread. etl-via does not hold a read end earlier: it would keep
 * a write from failing with EPIPE after CMD has closed its standard input. */
static int
command_close_input(struct child *c, struct err *e)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->in);
	c->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->unread == -1)
		return err_errno(e, ERR_IO, path);
	child_close_fd(&c->in);
	return 0;
}

/* Fails if CMD was killed by a signal, exited with a status that is not ok, or
 * has not read all of its input. Call this after child_has_ended(), or when CMD
 * is not waited for any longer. */
static int
command_check(struct child *c, const bool ok[256], struct err *e)
{
	const char *name = sigabbrev_np(c->signal);
	int left = 0, fd = c->unread != -1 ? c->unread : c->in;

	if (c->has_exited && c->signal != 0)
		return err_set(e, ERR_REFUSED, false, "%s: killed by signal "
		    "%s", c->name, name != NULL ? name : "unknown");
	if (c->has_exited && !ok[c->status & 255])
		return err_set(e, ERR_REFUSED, false, "%s: exited with status "
		    "%d, which is not in --ok: if this means success, add it, "
		    "for example --ok 0,%d", c->name, c->status, c->status);
	if (fd != -1 && ioctl(fd, FIONREAD, &left) == -1)
		return err_errno(e, ERR_IO, c->name);
	if (!c->has_closed_stdin && left == 0)
		return 0;
	return err_set(e, ERR_REFUSED, false, "%s: did not read all of its "
	    "input: the command must read every record", c->name);
}

/* Runs CMD on the records of a stream. CMD gets no marks; via_run() copies them
 * to the output itself. In a replay CMD is run once for each dead letter.
 * Borrows: everything in struct via_opts, and the stage.
 * Fails: ERR_REFUSED if CMD fails or breaks the rules of etl-via(1). When
 *        via_run() returns, CMD has exited or was killed with its group. */

struct via_opts {
	char **argv;            /* CMD ARG... */
	bool ok[256];           /* exit statuses that are not a failure */
	enum json_members dup;  /* whether a member that occurs twice is an
				 * error */
	bool plain;             /* --plain: the input has no marks */
	size_t max_record;      /* the longest record, in bytes */
};

/* CMD is the command of the command line, such as jq. The records of etl-via's
 * input become lines of CMD's standard input, and each line that CMD prints
 * becomes a record of etl-via's output. v->stage reads the input and writes the
 * output of etl-via; v->child is the process that executes CMD. This file uses
 * these fields of v->child: pid (0: CMD was not started), in and out (its
 * pipes; -1: closed), has_exited, and has_closed_stdin (a write has failed: CMD
 * reads no more input, although some is left). */
enum {
	PENDING_MAX = 64 << 10, /* bytes; then read no more records */
	LINES_IN_A_ROW = 256,   /* read so many, then serve the other pipe */
	LARGE = 1 << 20,        /* bytes; free a longer buffer after its use */
	FIRST_SHOWN = 80,       /* bytes of CMD's first line in a message */
	GRACE_MS = 2000         /* ms for CMD to exit after closing its stdin */
};

struct via {
	struct stage *stage;
	const struct via_opts *o;
	struct child child;
	struct json json;
	struct buf pending;     /* records for CMD, a line each */
	size_t written;         /* bytes of pending that were written to CMD */
	uint64_t in, out;       /* lines for CMD and lines from CMD, since it
				 * was started */
	bool is_marked;         /* the mark begin was read: the stream has
				 * marks */
	bool has_run;           /* CMD was started at least once */
	bool is_input_over;     /* no record follows for this process of CMD:
				 * close its stdin after pending */
	int64_t deadline;       /* 0, or the time by clock_ms() at which a CMD
				 * that has closed its stdin must have exited */
};

static int
start_command(struct via *v, struct err *e)
{
	v->in = v->out = 0;
	v->is_input_over = false;
	v->deadline = 0;
	v->has_run = true;
	return child_start(&v->child, &(struct child_conf){
	    .argv = v->o->argv, .max_line = v->o->max_record,
	    .has_input = true }, e);
}

/* Fails if the first line of CMD's output is not JSON. CMD then probably writes
 * a table, or each object over several lines (as jq does without -c). If
 * etl-via passed such lines on, a later stage would reject every line, and no
 * program could put the records together again. */
static int
check_first_line(const struct via *v, const struct line *l, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct buf shown;
	int rc = json_scan(&j, l->data, l->len, 0, JSON_LAST, &f);

	json_release(&j);
	if (rc == 0 || f.nomem || strcmp(f.code, "parse") != 0)
		return f.nomem ? err_nomem(e) : 0;
	buf_init(&shown, LARGE);
	text_show(&shown, l->data, l->len < FIRST_SHOWN ? l->len :
	    FIRST_SHOWN);
	rc = err_set(e, ERR_REFUSED, false, "%s: the first line of its output "
	    "is not JSON; write each record on one line, as jq -c and mlr "
	    "--ojsonl do: %s", v->child.name, buf_text(&shown));
	buf_release(&shown);
	return rc;
}

/* Writes a line of CMD's output as a record. Fails if it cannot be one. */
static int
emit_line(struct via *v, const struct line *l, struct err *e)
{
	if (is_mark_line(l->data, l->len))
		return err_set(e, ERR_PEER, false, "%s: line %llu of its "
		    "output begins with the member @etl, which is reserved for "
		    "marks", v->child.name, (unsigned long long)l->number);
	if (l->too_long)
		return err_set(e, ERR_REFUSED, false, "%s: line %llu of its "
		    "output has %llu bytes, more than --max-record: raise "
		    "--max-record",
		    v->child.name, (unsigned long long)l->number,
		    (unsigned long long)l->bytes);
	if (v->out == 0 && v->is_marked && check_first_line(v, l, e) == -1)
		return -1;
	v->out++;
	return stage_emit(v->stage, l->data, l->len, e);
}

/* Reads and writes the lines of CMD's output that are available. Sets *busy if
 * there were any. */
static int
read_output(struct via *v, bool *busy, struct err *e)
{
	struct line l;

	for (int i = 0; i < LINES_IN_A_ROW && v->child.out != -1; i++) {
		switch (lines_next(v->child.lines, &l, 0, e)) {
		case LINES_ONE:
			if (emit_line(v, &l, e) == -1)
				return -1;
			*busy = true;
			break;
		case LINES_END:
			child_close_fd(&v->child.out);
			*busy = true;
			break;
		case LINES_FAILED:
			err_prefix(e, "%s", v->child.name);
			return -1;
		default:
			return 0;
		}
	}
	return 0;
}

/* Writes pending input to CMD. At the end of the input closes CMD's standard
 * input. */
static int
write_input(struct via *v, bool *busy, struct err *e)
{
	struct child *c = &v->child;
	size_t left = v->pending.len - v->written, n;

	if (c->in == -1)
		return 0;
	if (left == 0) {        /* nothing to write: perhaps close stdin */
		*busy |= v->is_input_over;
		return v->is_input_over ? command_close_input(c, e) : 0;
	}
	n = command_write(c, v->pending.data + v->written, left);
	*busy |= n > 0 || c->has_closed_stdin;
	v->written += n;
	if (v->written < v->pending.len)
		return 0;
	v->written = 0;
	if (v->pending.cap > LARGE)
		buf_release(&v->pending);
	buf_clear(&v->pending);
	return 0;
}

/* Returns -1 if etl-via has received a stop signal such as SIGTERM, with the
 * name of the signal in *e; else 0. The check itself is in stage_next(), which
 * reports the signal before it reads anything. */
static int
check_stopped(struct via *v, struct err *e)
{
	struct line l;

	return stage_next(v->stage, &l, 0, e) == STAGE_STOP ? -1 : 0;
}

/* Reads some of CMD's output and writes some of CMD's input, as much as the two
 * pipes allow without waiting. Sets *busy to true if it has read or written
 * anything. Does nothing if CMD is not running. */
static int
exchange(struct via *v, bool *busy, struct err *e)
{
	struct child *c = &v->child;

	if (stop_signal() != 0)
		return check_stopped(v, e);
	if (c->pid == 0)
		return 0;
	if (read_output(v, busy, e) == -1 || write_input(v, busy, e) == -1)
		return -1;
	if (!child_has_ended(c) || v->is_input_over || c->has_closed_stdin)
		return 0;
	/* CMD has exited although more records may follow. This is a failure if
	 * CMD left input unread or has a bad exit status. Otherwise it is a
	 * failure only if another record follows. */
	return command_check(c, v->o->ok, e);
}

/* Waits with poll(2) until the next step is possible: a line can be read from
 * `input` (a file descriptor, or -1: do not wait for it), CMD can take input or
 * has written output, or CMD has exited. Flushes etl-via's output first, so
 * that no record is held back during the wait. */
static int
wait_event(struct via *v, int input, struct err *e)
{
	const struct child *c = &v->child;
	struct pollfd fds[] = {
		{ .fd = input, .events = POLLIN },
		{ .fd = v->pending.len > 0 ? c->in : -1, .events = POLLOUT },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->has_exited ? -1 : c->pidfd, .events = POLLIN }
	};
	int timeout = -1;

	if (stage_flush(v->stage, e) == -1)
		return -1;
	if (v->deadline != 0) {
		int64_t left = v->deadline - clock_ms();

		timeout = left > 0 ? (int)left : 0;
	}
	if (wait_fds(fds, sizeof(fds) / sizeof(fds[0]), timeout) != -1)
		return 0;
	return check_stopped(v, e);
}

/* Writes the rest of CMD's input, reads all of CMD's output, waits until CMD
 * exits and checks its exit status. If CMD wrote fewer lines than it read, the
 * difference is counted as dropped records. A CMD that has closed its standard
 * input before it read everything has failed: it gets GRACE_MS to exit, so that
 * its exit status can be reported. */
static int
end_command(struct via *v, struct err *e)
{
	struct child *c = &v->child;
	bool busy;

	v->is_input_over = true;
	while (!child_has_ended(c)) {
		busy = false;
		if (exchange(v, &busy, e) == -1)
			return -1;
		if (c->has_closed_stdin && v->deadline == 0)
			v->deadline = clock_ms() + GRACE_MS;
		if (v->deadline != 0 && clock_ms() >= v->deadline)
			break;
		if (!busy && !child_has_ended(c) && wait_event(v, -1, e) == -1)
			return -1;
	}
	if (command_check(c, v->o->ok, e) == -1)
		return -1;
	child_close(c);
	if (v->in > v->out)
		stage_drop_passed(v->stage, v->in - v->out);
	return 0;
}

/* Appends the record to v->pending, the input that was not written to CMD yet.
 * Starts CMD if it is not running. In a marked stream (one with etl's marks),
 * and with --plain, rejects a line that is not a JSON object. Other input is
 * given to CMD unchecked. */
static int
queue_record(struct via *v, const struct line *l, struct err *e)
{
	bool is_checked = v->o->plain || stage_begin_mark(v->stage) != NULL;
	int ok = 1;

	if (is_checked || l->too_long)
		ok = stage_parse(v->stage, l, &v->json, 0, v->o->dup, e);
	if (ok != 1)
		return ok;
	if (v->child.pid == 0 && start_command(v, e) == -1)
		return -1;
	buf_add(&v->pending, l->data, l->len);
	buf_char(&v->pending, '\n');
	if (buf_check(&v->pending, e) == -1)
		return -1;
	if (l->len > LARGE)
		stage_shrink(v->stage);
	v->in++;
	stage_count_input(v->stage, true);
	return 0;
}

/* Handles a mark, a line of the stream that is not a record. At the mark
 * checkpoint CMD may still hold back output of earlier records, so etl-via
 * keeps this mark and writes it before the next mark resolve or end. At resolve
 * and end it closes CMD's input and waits until CMD has exited, so all output
 * is written before the mark. After the mark failed no output is needed: CMD is
 * killed. */
static int
pass_mark(struct via *v, struct err *e)
{
	switch (stage_last_mark(v->stage)->kind) {
	case MARK_BEGIN:
		/* In a replay (rejected records that etl-dlq sends through the
		 * pipeline again) CMD is not started here: queue_record()
		 * starts a new CMD for each letter, so that it is known which
		 * output belongs to which letter. */
		v->is_marked = true;
		if (stage_pass(v->stage, e) == -1)
			return -1;
		return stage_begin_mark(v->stage)->replay ? 0 :
		    start_command(v, e);
	case MARK_CHECKPOINT:
		return stage_hold(v->stage, e);
	case MARK_RESOLVE:
	case MARK_END:
		if (v->child.pid != 0 && end_command(v, e) == -1)
			return -1;
		break;
	case MARK_FAILED:
		child_kill(&v->child);
		break;
	default:
		break;
	}
	return stage_pass(v->stage, e);
}

/* Called at the end of etl-via's input. If the stream has no marks, finishes
 * CMD here, and runs it even if there were no records. In a marked stream CMD
 * was already finished at the mark end. If that mark is missing, the stream was
 * cut off, and stage_end() fails whatever CMD's exit status is. Inside etl-run
 * an input without any line counts as a cut stream: a stage before etl-via
 * would have written at least the mark begin. */
static int
finish_stream(struct via *v, struct err *e)
{
	bool empty = stage_begin_mark(v->stage) == NULL && stage_in_etl_run();

	if (!v->is_marked && !empty) {
		if (!v->has_run && start_command(v, e) == -1)
			return -1;
		if (v->child.pid != 0 && end_command(v, e) == -1)
			return -1;
	}
	return stage_end(v->stage, e);
}

/* Reads the lines of etl-via's input that are available, at most
 * LINES_IN_A_ROW, and stops when CMD has PENDING_MAX bytes of input to read.
 * Returns 1 if more input may follow, 0 at its end. */
static int
read_input(struct via *v, bool *busy, struct err *e)
{
	struct line l;
	int rc = 0;

	for (int i = 0; i < LINES_IN_A_ROW && rc == 0 &&
	    v->pending.len < PENDING_MAX; i++) {
		switch (stage_next(v->stage, &l, 0, e)) {
		case STAGE_RECORD:
			rc = queue_record(v, &l, e);
			break;
		case STAGE_MARK:
			rc = pass_mark(v, e);
			break;
		case STAGE_WAIT:
			return 1;
		case STAGE_END:
			return finish_stream(v, e);
		default:
			return -1;
		}
		*busy = true;
	}
	return rc == -1 ? -1 : 1;
}

/* Passes the stream through CMD, until the input or CMD ends. */
static int
run_stream(struct via *v, struct err *e)
{
	int rc = 1;

	while (rc == 1) {
		bool busy = false;

		if (exchange(v, &busy, e) == -1)
			return -1;
		if (v->child.has_closed_stdin)  /* fails: input is left */
			return end_command(v, e);
		rc = read_input(v, &busy, e);
		if (rc == 1 && !busy &&
		    wait_event(v, v->pending.len < PENDING_MAX ?
		    STDIN_FILENO : -1, e) == -1)
			return -1;
	}
	return rc;
}

static int
via_run(struct stage *s, const struct via_opts *o, struct err *e)
{
	struct via v = { .stage = s, .o = o };
	int rc;

	child_init(&v.child);
	buf_init(&v.pending, o->max_record + PENDING_MAX + 1);
	rc = run_stream(&v, e);
	child_kill(&v.child);
	buf_release(&v.pending);
	json_release(&v.json);
	return rc;
}

static const char usage[] =
    "usage: etl-via [--duplicate-members last] [--marked] [--max-record SIZE]\n"
    "               [--max-rejects N|N%] [--ok STATUS[,...]] [--plain]\n"
    "               [--rejects FILE] [--stage NAME] CMD [ARG ...]";

struct opts {
	const char *ok, *duplicates, *stage, *rejects, *max_rejects;
	uint64_t max_record;
	bool marked, plain;
};

#define AT(field) offsetof(struct opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPT("ok", OPT_STRING, ok, "STATUS[,...]",
	    "exit statuses of CMD that are not a failure (default: 0)"),
	OPTION_MAX_RECORD(AT(max_record)),
	OPTION_DUPLICATE_MEMBERS(AT(duplicates)),
	OPTION_STAGE(AT(stage)),
	OPTION_MARKED(AT(marked)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
};

static const struct opt_spec spec = {
	.program = "etl-via", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]), .stop = true,
};

/* Parses STATUS[,STATUS...], each from 0 to 255. */
static int
parse_ok_list(bool ok[256], const char *text)
{
	unsigned int v;

	for (const char *p = text; ; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		for (v = 0; *p >= '0' && *p <= '9' && v < 256; p++)
			v = v * 10 + (unsigned int)(*p - '0');
		if (v > 255 || (*p != ',' && *p != '\0'))
			return -1;
		ok[v] = true;
		if (*p == '\0')
			return 0;
	}
}

static int
check_options(struct via_opts *v, const struct opts *o, struct err *e)
{
	if (v->argv[0] == NULL)
		return err_set(e, ERR_USAGE, false, "no CMD: give a command, "
		    "such as etl-via jq -c FILTER");
	if (parse_ok_list(v->ok, o->ok) == -1)
		return err_set(e, ERR_USAGE, false, "--ok %s: must be exit "
		    "statuses from 0 to 255, with commas between them", o->ok);
	return record_options_check(
	    o->max_record, o->duplicates, &v->dup, e);
}

static int
run_stage(const struct opts *o, const struct stdfd *fds, char *argv[],
    struct err *e)
{
	const struct stage_conf conf = { .name = "via", .stage = o->stage,
	    .plain = o->plain, .marked = o->marked,
	    .rejects = o->rejects, .max_rejects = o->max_rejects,
	    .max_record = o->max_record, .fds = fds };
	struct via_opts v = { .argv = argv, .plain = o->plain,
	    .max_record = o->max_record };
	struct stage *s;
	int rc = -1;

	if (stage_open(&s, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	if (check_options(&v, o, e) == 0)
		rc = via_run(s, &v, e);
	if (rc == -1)
		stage_fail(s, e);
	stage_close(s);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct opts o = { .ok = "0", .max_record = LINES_MAX };
	struct err e = { .code = ERR_NONE };
	struct stdfd fds;
	enum opt_result r;
	int status = 0;

	memory_trim_large();
	core_dump_forbid();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_fail_early("via", &e);
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	stop_init();
	if (run_stage(&o, &fds, argv + optind, &e) == -1)
		status = err_report(spec.program, &e);
	stop_raise();
	return status;
}
