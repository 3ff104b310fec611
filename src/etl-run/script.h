/* What to run: a script file, the text of -c, or the text on stdin.
 * Owns:  argv and the text that was read; script_release() frees them.
 * Gives: argv[0] is the file to execute; argv[-1] is sh, for a file that the
 *        kernel does not take (no "#!"); name is what the run is called if
 *        the user does not say.
 * Fails: ERR_INPUT no such file, ERR_DENIED, ERR_USAGE no script at all. */
#ifndef RUN_SCRIPT_H
#define RUN_SCRIPT_H

#include "base/errval.h"
#include "base/buf.h"

struct script {
	const char **argv;
	struct buf path, text;
	char name[256];         /* as long as a file name */
	bool reads_stdin;       /* the script came from there */
};

int script_init(struct script *s, const char *command, char *operands[],
    int n, struct err *e);
void script_release(struct script *s);

#endif
