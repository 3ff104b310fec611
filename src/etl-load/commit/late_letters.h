/* Dead letters that a replay sends late: a newer record of the same key may
 * have been loaded since the record of the letter was rejected. Such a letter
 * stays open, and none of its records is written, unless it is known that its
 * record is newer than the row (man page: "Replayed records").
 * Flow:  late_letters_judge() looks at all records of the batch before the
 *        first one is written, and chooses the letters that stay open.
 *        late_letters_hide() then hides their lines in each chunk. */
#ifndef LOAD_LATE_LETTERS_H
#define LOAD_LATE_LETTERS_H

#include "loader.h"

enum { LATE_LETTERS_MAX = 100000 };     /* of a batch: their ids are in
                                         * memory */

/* Locks the tables and sets `stays` of each letter of the batch. Called at the
 * start of the transaction. The sinks may have noted rejects and counts, which
 * the caller forgets. */
enum sink_result late_letters_judge(struct loader *l, struct err *e);
/* Called for each chunk before its records are loaded: the lines of letters
 * that stay open are neither records nor rejects then. Counts these records as
 * skipped. */
void late_letters_hide(struct loader *l);
/* Called after the batch was committed: counts its letters that stay open. */
void late_letters_note(struct loader *l);
/* Prints how many letters have stayed open, and why. */
void late_letters_warn(const struct loader *l);

#endif
