#include "stage_impl.h"

#include "base/clock.h"
#include "base/wait.h"
#include "pipe_reader.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

void
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
