#include "errval.h"
#include "text.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints a message on stderr, with one call: the other programs of a pipeline
 * write to the same stderr, and their lines must not come between its parts.
 * The text may quote a file name, or what a server or a record says, so control
 * characters are escaped. Newlines are kept, because some messages are lists.
 * But each further line is indented: a newline in a file name cannot begin what
 * looks like a message of its own. */
static void
print_escaped(const char *before, const char *text, const char *after)
{
	char cut[1024];
	struct buf b;
	size_t n = strnlen(text, sizeof(cut) - 1);

	buf_init(&b, SIZE_MAX / 4);
	buf_str(&b, before);
	text_show_lines(&b, text, strlen(text), "  ");
	buf_str(&b, after);
	if (!b.failed) {
		(void)fwrite(b.data, 1, b.len, stderr);
	} else {                /* memory is out */
		for (size_t i = 0; i < n; i++)
			cut[i] = (char)(text[i] >= ' ' && text[i] <= '~' ?
			    text[i] : '?');
		cut[n] = '\0';
		(void)fprintf(stderr, "%s%s%s", before, cut, after);
	}
	buf_release(&b);
}

/* If memory is out, the message is cut to the size of a buffer on the stack. */
static void __attribute__((format(printf, 2, 0)))
print_message(const char *before, const char *fmt, va_list ap,
    const char *after)
{
	char cut[1024], *text = cut;
	va_list again;

	va_copy(again, ap);
	if (vasprintf(&text, fmt, ap) == -1) {
		(void)vsnprintf(cut, sizeof(cut), fmt, again);
		text = cut;
	}
	va_end(again);
	print_escaped(before, text, after);
	if (text != cut)
		free(text);
}

void
err_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message("", fmt, ap, "");
	va_end(ap);
}

void
err_note(const char *program, const char *text)
{
	char before[64];

	(void)snprintf(before, sizeof(before), "%s: ", program);
	if (text != NULL)
		print_escaped(before, text, "\n");
}

void
err_warn(const char *program, const char *text)
{
	char before[64];

	(void)snprintf(before, sizeof(before), "%s: warning: ", program);
	if (text != NULL)
		print_escaped(before, text, "\n");
}

void
err_warnf(const char *program, const char *fmt, ...)
{
	char before[64];
	va_list ap;

	(void)snprintf(before, sizeof(before), "%s: warning: ", program);
	va_start(ap, fmt);
	print_message(before, fmt, ap, "\n");
	va_end(ap);
}

int
err_report(const char *program, const struct err *e)
{
	if (e->code == ERR_GONE) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	if (e->origin == ERR_UPSTREAM_PRINTED)
		return err_exit_code(e);
	if (e->code != ERR_NONE)
		err_note(program, e->msg);
	if (e->code == ERR_USAGE && e->origin == ERR_OWN)
		err_printf("%s: see %s --help\n", program, program);
	return err_exit_code(e);
}
