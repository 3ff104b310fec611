/* Writes the records of one letter into the stream of a replay: one record for
 * each open occurrence, then the mark resolve. A record is written as a line,
 * or as a raw mark if the stage extract rejected it. A letter that cannot be
 * replayed is left out, with a warning. */
#ifndef DLQ_REPLAY_LETTER_H
#define DLQ_REPLAY_LETTER_H

#include "dlq.h"
#include "stream/stage.h"

int replay_letter(struct dlq *d, struct stage *s, struct letters *from,
    struct letter *l, struct left_out *left, struct err *e);

#endif
