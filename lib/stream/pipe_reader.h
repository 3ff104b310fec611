/* Which program reads our standard output? If a stream with marks (lines that
 * are not records but describe the stream) goes to a filter such as jq, the
 * filter may turn marks into records, and etl-load would load them as rows.
 * Best effort, on Linux: looks only at the processes of our process group.
 * Fails: never. Where nothing can be found out, there is no warning. */
#ifndef STREAM_PIPE_READER_H
#define STREAM_PIPE_READER_H

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

/* Finds out what kind of program reads standard output. If the result is
 * READER_FOREIGN, sets its name. */
enum { READER_NAME = 16 };
enum pipe_reader pipe_reader_find(char name[READER_NAME]);

#endif
