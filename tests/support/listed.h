/* /listed?ids=A,B or /listed/A,B of the mock API serves the records with these
 * ids, in the reverse order: [{"id":B,"name":"nB"},{"id":A,"name":"nA"}]. An id
 * of digits is a number, else it is a text. */
#ifndef SUPPORT_LISTED_H
#define SUPPORT_LISTED_H

#include "api.h"

/*   ?lacks=A,B (these have no record) &twice=A,B (... have two records)
 *   &extra=A,B (records that come besides) &member=NAME (has the id, id)
 *   &wrap=1 (the array is /data/items of an object) &pad=N (bytes of each name)
 *   &bad=A,B (400 if one of these is asked for) &most=N (414 for more ids)
 *   &in=json (the ids are in the body: {"ids":[A,"B"]}; 400 if it is not JSON)
 *   &in=form (ids=A,B in the body) */
void listed_answer(
    const struct request *q, const char *path, struct reply *r);

#endif
