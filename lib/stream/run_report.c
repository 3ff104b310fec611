#include "stream/run_report.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "json/write.h"
#include "stream/line_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_LINE_MAX = 16 << 20 };

/* Appends the arguments of this program, each with a NUL at its end. */
static int
put_arguments(struct buf *b, struct err *e)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd != -1)
		rc = file_read_fd(b, fd, "/proc/self/cmdline", ERR_IO, e);
	if (fd != -1)
		(void)close(fd);
	return rc;
}

static int
compare_variables(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True if the shell itself sets the variable. Its value may change even if the
 * same command is run again. */
static bool
is_shell_variable(const char *variable)
{
	static const char *const names[] = { "_=", "OLDPWD=", "PWD=",
		"SHLVL=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Adds the environment, because it can decide what a command reads: for example
 * DATABASE_URL. A shell may pass the variables in another order each time, so
 * sorts them. */
static int
hash_environment(struct hash *h)
{
	size_t n = 0, used = 0;
	char **sorted;

	while (environ != NULL && environ[n] != NULL)
		n++;
	if ((sorted = calloc(n + 1, sizeof(*sorted))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_shell_variable(environ[i]))
			sorted[used++] = environ[i];
	qsort(sorted, used, sizeof(*sorted), compare_variables);
	for (size_t i = 0; i < used; i++)
		hash_add(h, sorted[i], strlen(sorted[i]) + 1);
	free(sorted);
	return 0;
}

/* Adds the hash of the arguments, the folder and the environment. */
static void
put_command_hash(struct buf *b, const struct buf *arguments)
{
	char folder[PATH_MAX] = "", hex[HASH_HEX];
	struct hash *h;
	int rc;

	if (getcwd(folder, sizeof(folder)) == NULL || (h = hash_new()) == NULL)
		return;
	hash_add(h, arguments->data, arguments->len);
	hash_add(h, folder, strlen(folder) + 1);
	rc = hash_environment(h);
	hash_finish(h, hex);
	if (rc == 0)
		json_put_text(b, "command", hex);
}

/* Adds the device and inode of a file. Also adds its size and the time of its
 * last change, because a script may have written other records to it. */
static bool
hash_file(struct hash *h, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return false;
	hash_add(h, &st->st_dev, sizeof(st->st_dev));
	hash_add(h, &st->st_ino, sizeof(st->st_ino));
	hash_add(h, &st->st_size, sizeof(st->st_size));
	hash_add(h, &st->st_mtim, sizeof(st->st_mtim));
	return true;
}

/* Adds standard input, and the position in it: a program that failed may have
 * read a part of it. Another program with the same arguments then reads only
 * the rest, and is not a repetition. */
static bool
hash_stdin(struct hash *h)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == -1 || !hash_file(h, &st))
		return false;
	hash_add(h, &at, sizeof(at));
	return true;
}

/* Adds each argument that is the name of a file: the program probably reads it.
 * Leaves out the file of --rejects, which is only written. */
static void
put_files_hash(struct buf *b, const struct buf *arguments)
{
	const char *p = arguments->data, *end = p + arguments->len;
	bool any, written = true;       /* skips the first argument, the name of
	                                 * this program */
	struct hash *h = hash_new();
	char hex[HASH_HEX];
	struct stat st;

	if (h == NULL)
		return;
	any = hash_stdin(h);
	for (; p < end; p += strlen(p) + 1) {
		if (!written && stat(p, &st) == 0)
			any |= hash_file(h, &st);
		written = strcmp(p, "--rejects") == 0;
	}
	hash_finish(h, hex);
	if (any)
		json_put_text(b, "files", hex);
}

static void
put_pipe_name(struct buf *b, const char *member, const struct stat *st)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%llx:%llx",
	    (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
	json_put_text(b, member, name);
}

/* Adds the names of the pipes that are standard input and output. */
static void
put_pipes(struct buf *b, bool reads)
{
	struct stat st;

	if (reads && fstat(STDIN_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		json_put_raw(b, "pipe", "true", 4);
		put_pipe_name(b, "in", &st);
	}
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		put_pipe_name(b, "out", &st);
}

/* Appends the members to the report b, without "command" if its hash cannot be
 * computed. is_source is true for a program that reads standard input only if
 * it has the argument "-". */
static void
report_put_command(struct buf *b, bool is_source)
{
	struct buf arguments;
	struct err none;

	buf_init(&arguments, COMMAND_LINE_MAX);
	if (put_arguments(&arguments, &none) == 0 && arguments.len > 0 &&
	    arguments.data[arguments.len - 1] == '\0') {
		put_command_hash(b, &arguments);
		put_files_hash(b, &arguments);
		put_pipes(b, !is_source || memmem(arguments.data,
		    arguments.len, "\0-", 3) != NULL);
	}
	buf_release(&arguments);
}

enum { LINE_MAX_BYTES = 1 << 20 };

static const char *
get_report_file(const struct run_report *r)
{
	const char *path = r->file != NULL ? r->file : getenv("ETL_REPORTS");

	return path != NULL && *path != '\0' ? path : NULL;
}

/* True if the error shows that this process can never open the file, for
 * example because it runs as another user or in a container. */
static bool
is_lasting_error(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES ||
	    error == EPERM || error == EROFS || error == ELOOP;
}

/* Appends the lines to the file. If this process can never open it, warns and
 * returns 0. */
static int
append_lines(const char *path, const struct buf *lines, struct err *e)
{
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && is_lasting_error(errno)) {
		err_warnf(program_invocation_short_name, "%s: %s: etl-run does "
		    "not learn whether this stream ends", path,
		    strerror(errno));
		return 0;
	}
	if (fd == -1)
		return err_errno(e, ERR_IO, path);
	if (fd_write_line(fd, lines->data, lines->len) == -1)
		rc = err_errno(e, ERR_IO, path);
	(void)close(fd);
	return rc;
}

/* Ends the line, writes it, and frees it. */
static int
finish_line(struct buf *line, const struct run_report *r, struct err *e)
{
	int rc;

	buf_str(line, "}\n");
	rc = buf_check(line, e);
	if (rc == 0)
		rc = append_lines(get_report_file(r), line, e);
	buf_release(line);
	return rc;
}

static void
start_event_line(struct buf *b, struct run_report *r, const char *event)
{
	char name[UUID_TEXT + 16];

	if (r->process[0] == '\0')
		uuid_new(r->process);
	(void)snprintf(name, sizeof(name), "%s.%u", r->process, r->streams);
	buf_init(b, LINE_MAX_BYTES);
	buf_char(b, '{');
	json_put_text(b, "process", name);
	json_put_text(b, "event", event);
}

/* Writes a text that comes from the stream. Escapes control characters, because
 * etl-run prints the text. */
static void
put_shown_text(struct buf *b, const char *name, const char *text)
{
	struct buf shown;

	buf_init(&shown, LINE_MAX_BYTES);
	text_show(&shown, text, strlen(text));
	json_put_text(b, name, buf_text(&shown));
	b->failed |= shown.failed;
	buf_release(&shown);
}

/* Writes the member "path": the names of the stages in the mark, and the name
 * `stage`, with a slash between them. The mark and the stage may be NULL. */
static void
put_path(struct buf *b, const struct mark *m, const char *stage)
{
	struct buf path;

	buf_init(&path, LINE_MAX_BYTES);
	for (size_t i = 0; m != NULL && i < m->nstages; i++)
		buf_printf(&path, "%s%s", i > 0 ? "/" : "",
		    m->stages[i].stage);
	if (stage != NULL)
		buf_printf(&path, "%s%s", path.len > 0 ? "/" : "", stage);
	put_shown_text(b, "path", buf_text(&path));
	b->failed |= path.failed;
	buf_release(&path);
}

int
run_report_open(struct run_report *r, const struct run_report_input *in,
    struct err *e)
{
	struct buf b;

	if (get_report_file(r) == NULL)
		return 0;
	r->streams++;
	start_event_line(&b, r, "open");
	put_path(&b, NULL, in->stage);
	if (in->is_run)
		json_put_raw(&b, "nested", "true", 4);
	report_put_command(&b, in->is_source);
	r->opened = true;
	return finish_line(&b, r, e);
}

int
run_report_begin(struct run_report *r, const struct mark *begin,
    const struct run_report_input *in, struct err *e)
{
	struct buf b;
	int rc;

	if (get_report_file(r) == NULL)
		return 0;
	if (run_report_end(r, e) == -1)
		return -1;
	r->streams += !r->opened;
	r->opened = false;
	r->rejects = 0;
	start_event_line(&b, r, "begin");
	json_put_text(&b, "id", begin->id != NULL ? begin->id : "");
	if (begin->stream != NULL)
		put_shown_text(&b, "stream", begin->stream);
	if (begin->replay)
		json_put_raw(&b, "replay", "true", 4);
	put_path(&b, begin, in->stage);
	report_put_command(&b, in->is_source);
	rc = finish_line(&b, r, e);
	r->begun = rc == 0;
	r->has_output = in->has_output;
	return rc;
}

int
run_report_load(struct run_report *r, const struct run_report_load *load,
    struct err *e)
{
	struct buf b;

	if (get_report_file(r) == NULL)
		return 0;
	start_event_line(&b, r, "load");
	json_put_text(&b, "id", load->id);
	json_put_text(&b, "target", load->target);
	if (load->appends)
		json_put_raw(&b, "appends", "true", 4);
	return finish_line(&b, r, e);
}

/* True if all readers of the pipe have exited and have not read all bytes. */
static bool
has_unread_output(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	int left = 0;

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0 &&
	    ioctl(STDOUT_FILENO, FIONREAD, &left) == 0 && left > 0;
}

/* True if standard output is a pipe or a socket, or if this is not known. In
 * that case the program that reads it may lose the reject lines. */
static bool
is_output_pipe(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == -1 || S_ISFIFO(st.st_mode) ||
	    S_ISSOCK(st.st_mode);
}

int
run_report_end(struct run_report *r, struct err *e)
{
	struct err why;
	struct buf b;

	if (!r->begun)
		return 0;
	if (r->has_output && has_unread_output()) {
		(void)err_set(&why, ERR_GONE, false, "-");
		run_report_fail(r, "", &why, false);
		return 0;
	}
	start_event_line(&b, r, "end");
	if (r->has_output && is_output_pipe())
		json_put_int(&b, "rejects_in_pipe", (int64_t)r->rejects);
	r->begun = false;
	return finish_line(&b, r, e);
}

static void
put_failure(struct buf *b, const struct err *why, bool maybe_loaded)
{
	static const char gone[] = "the reader of the output exited before it "
	    "had read everything";

	json_put_int(b, "code", why->code == ERR_GONE ? ERR_IO :
	    err_exit_code(why));
	put_shown_text(b, "message", why->code == ERR_GONE ? gone : why->msg);
	if (why->origin == ERR_UPSTREAM_PRINTED)
		json_put_raw(b, "upstream", "true", 4);
	if (maybe_loaded)
		json_put_raw(b, "maybe_loaded", "true", 4);
}

void
run_report_fail(struct run_report *r, const char *stage, const struct err *why,
    bool maybe_loaded)
{
	struct err e = { 0 };
	struct buf b;

	if (get_report_file(r) == NULL || r->failed)
		return;
	r->streams += !r->begun && !r->opened;
	start_event_line(&b, r, "failed");
	if (!r->begun) {
		put_path(&b, NULL, stage);
		report_put_command(&b, true);
	}
	put_failure(&b, why, maybe_loaded);
	if (finish_line(&b, r, &e) == -1)
		err_warnf(program_invocation_short_name,
		    "cannot report this failure to etl-run: %s", e.msg);
	r->failed = true;
	r->begun = false;
}

int
run_report_run(struct run_report *r, const char *name, struct err *e)
{
	struct run_report_input in = { name, .is_source = true,
		.is_run = true };

	return run_report_open(r, &in, e);
}

void
run_report_run_end(struct run_report *r, const struct err *why, bool appended)
{
	struct err e = { 0 };
	struct buf b;

	if (!r->opened)
		return;
	start_event_line(&b, r, why->code == ERR_NONE ? "end" : "failed");
	if (why->code != ERR_NONE)
		put_failure(&b, why, false);
	if (appended)
		json_put_raw(&b, "appended", "true", 4);
	if (finish_line(&b, r, &e) == -1)
		err_warnf(program_invocation_short_name,
		    "cannot report the end of this run to etl-run: %s", e.msg);
}

int
run_report_add_stored(struct buf *lines, struct run_report *r,
    const struct run_report_stored *stored, struct err *e)
{
	struct buf b;
	int rc;

	if (get_report_file(r) == NULL)
		return 0;
	r->streams++;
	start_event_line(&b, r, "stored");
	json_put_text(&b, "id", stored->id);
	put_path(&b, stored->end, NULL);
	json_put_int(&b, "rejects", (int64_t)stored->rejects);
	buf_str(&b, "}\n");
	rc = buf_check(&b, e);
	if (rc == 0) {
		buf_add(lines, b.data, b.len);
		rc = buf_check(lines, e);
	}
	buf_release(&b);
	return rc;
}

int
run_report_write_stored(const struct buf *lines, struct err *e)
{
	const char *path = getenv("ETL_REPORTS");

	return lines->len > 0 && path != NULL ?
	    append_lines(path, lines, e) : 0;
}
