/* The ids of reject lines. A line may not change a dead letter of another
 * record by having its id.
 * Gives: the id that a line should have, if it has another one. */
#ifndef CONTROL_LETTER_IDS_H
#define CONTROL_LETTER_IDS_H

#include "control/letter_line.h"

/* Checks that the id of the line is made of its other members, as etl-record(5)
 * states. If not, sets l->v[LETTER_OWN_ID] to the id that is made of them. */
int letter_line_set_own_id_if_other(struct letter_line *l, struct err *e);
/* Warns that n lines are stored under another id than their own, because
 * letters of other records have their ids. */
void letters_warn_of_changed_ids(int64_t n);

#endif
