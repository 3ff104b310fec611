/* Checks the ids of reject lines. A wrong id could be the id of another
 * record's dead letter, and storing the line would then overwrite that letter.
 * Gives: the correct id of a line that has a wrong one. */
#ifndef CONTROL_LETTER_IDS_H
#define CONTROL_LETTER_IDS_H

#include "control/letter_line.h"

/* Computes the id of the line from its other members, as etl-record(5) states.
 * If the line has another id, sets l->v[LETTER_OWN_ID] to the computed one. */
int letter_line_own_id(struct letter_line *l, struct err *e);
/* Warns that n lines have the id of another record's dead letter, and that they
 * were stored under their computed ids. */
void letters_warn_ids(int64_t n);

#endif
