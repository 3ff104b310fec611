/* The pipeline to execute: a script file, the text of -c, or the text on stdin.
 * Owns:  argv and the text that was read; script_release() frees them.
 * Gives: argv[0] is the file to execute. If that has no "#!" line, argv[-1],
 *        /bin/sh, executes it. `name` is the name of the pipeline if --name is
 *        not given.
 * Fails: ERR_INPUT if the file does not exist, ERR_DENIED, ERR_USAGE if there
 *        is no script. */
#ifndef RUN_SCRIPT_H
#define RUN_SCRIPT_H

#include "base/errval.h"
#include "base/buf.h"

struct script {
	const char **argv;
	struct buf path, text;
	char name[256];         /* as long as a file name */
	bool reads_stdin;       /* the script was read from stdin */
};

int script_init(struct script *s, const char *command, char *operands[],
    int n, struct err *e);
void script_release(struct script *s);

#endif
