/* What the transaction of a batch notes: the dead letters that a replay sends
 * late, and how many records were rejected. */
#ifndef LOAD_COMMIT_H
#define LOAD_COMMIT_H

#include "stream/reject.h"

#include <stdbool.h>

struct loader;

/* Commits the lines in the spool as one batch. `ended` is true if the loader
 * has read the mark `end` or, of plain input, the end of the input. If a try
 * fails for a reason that may pass, the batch is tried again, up to --retries
 * times. */
int batch_commit(struct loader *l, bool ended, struct err *e);

/* Dead letters that a replay sends late: a newer record of the same key may
 * have been loaded since the record of the letter was rejected. Such a letter
 * stays open, and none of its records is written, unless it is known that its
 * record is newer than the row (man page: "Replayed records").
 * Flow:  late_letters_judge() looks at all records of the batch before the
 *        first one is written, and chooses the letters that stay open.
 *        late_letters_hide() then hides their lines in each chunk. */

enum { LATE_LETTERS_MAX = 100000 };     /* of a batch: their ids are in
                                         * memory */

/* Prints how many letters have stayed open, and why. */
void late_letters_warn(const struct loader *l);

/* How many records of the stream were rejected, and how many were read at all:
 * by the loader and the stages before it. For --max-rejects and --expect. */

/* Counts the committed records of the stream and those of the present batch,
 * also the rejects that an earlier stage has written to a file. */
struct reject_tally tally_with_batch(const struct loader *l, bool ended);

#endif
