#include "run.h"

#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 128 << 10 };  /* Linux: bytes of one argument, with its NUL */

static const char shell[] = "/bin/sh";

/* Appends the script that standard input has. Fails if it has a NUL. */
static int
read_stdin_script(struct buf *text, struct err *e)
{
	char part[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, part, sizeof(part))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(e, ERR_INPUT, "script on stdin");
		buf_add(text, part, (size_t)n);
		if (buf_check(text, e) == -1) {
			err_prefix(e, "script on stdin");
			return -1;
		}
	}
	if (text->len > 0 && memchr(text->data, '\0', text->len) != NULL)
		return err_set(e, ERR_DATA, false, "script on stdin: not a "
		    "script: it has a NUL byte");
	return 0;
}

/* Names the pipeline after its script file: "posts" for
 * /etc/pipelines/posts.sh. */
static void
name_by_file(char *out, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	size_t n = dot != NULL && dot != base ? (size_t)(dot - base) :
	    strlen(base);

	(void)snprintf(out, size, "%.*s", (int)n, base);
}

/* Names the pipeline after the hash of its text. */
static void
name_by_text(char *out, size_t size, const char *text)
{
	char hex[HASH_HEX];

	hash_bytes(text, strlen(text), hex);
	(void)snprintf(out, size, "sh-%.8s", hex);
}

/* Fails if the file cannot be a script. Sets *executable if it can be executed
 * itself. */
static int
check_script_file(const char *path, bool *executable, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_errno(e, ERR_INPUT, path);
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(e, ERR_INPUT, false, "%s: not a script: it is "
		    "neither a regular file nor a pipe", path);
	*executable = (st.st_mode & 0111) != 0 && access(path, X_OK) == 0;
	if (!*executable && access(path, R_OK) == -1)
		return err_errno(e, ERR_DENIED, path);
	return 0;
}

/* Sets argv to: sh -c TEXT sh ARG... */
static void
set_text_argv(const char **argv, const char *text, char *args[], int n)
{
	*argv++ = shell;
	*argv++ = "-c";
	*argv++ = text;
	*argv++ = "sh";
	for (int i = 0; i < n; i++)
		*argv++ = args[i];
}

/* Sets argv for a script file: the file itself if it is executable, else sh
 * with the file. A name without a slash gets "./", so that sh neither searches
 * PATH for it nor reads a name such as -c as an option. */
static int
set_file_argv(struct script *s, char *operands[], int n, struct err *e)
{
	const char **argv = s->argv;
	bool executable = false;

	if (check_script_file(operands[0], &executable, e) == -1)
		return -1;
	if (strchr(operands[0], '/') == NULL)
		buf_str(&s->path, "./");
	buf_str(&s->path, operands[0]);
	(void)buf_text(&s->path);
	if (buf_check(&s->path, e) == -1)
		return -1;
	if (!executable)
		*argv++ = shell;
	*argv++ = s->path.data;
	for (int i = 1; i < n; i++)
		*argv++ = operands[i];
	name_by_file(s->name, sizeof(s->name), operands[0]);
	return 0;
}

int
script_init(struct script *s, const char *command, char *operands[], int n,
    struct err *e)
{
	*s = (struct script){ 0 };
	buf_init(&s->path, TEXT_MAX);
	buf_init(&s->text, TEXT_MAX);
	if ((s->argv = calloc((size_t)n + 6, sizeof(*s->argv))) == NULL)
		return err_nomem(e);
	*s->argv++ = shell;
	if (command == NULL && n == 0)
		return err_set(e, ERR_USAGE, false,
		    "no pipeline was given: name a script, or give -c COMMAND");
	if (command == NULL && strcmp(operands[0], "-") == 0) {
		s->reads_stdin = true;
		if (read_stdin_script(&s->text, e) == -1)
			return -1;
		command = buf_text(&s->text);
		operands++;
		n--;
	}
	if (command == NULL)
		return set_file_argv(s, operands, n, e);
	set_text_argv(s->argv, command, operands, n);
	name_by_text(s->name, sizeof(s->name), command);
	return 0;
}

void
script_release(struct script *s)
{
	if (s->argv != NULL)
		free(s->argv - 1);
	s->argv = NULL;
	buf_release(&s->path);
	buf_release(&s->text);
}
