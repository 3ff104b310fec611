/* Where the ids of --batch-each stand in a request, and how they are written
 * there: at {ids} in the URL or in --body. */
#ifndef EXTRACT_BATCH_PLACE_H
#define EXTRACT_BATCH_PLACE_H

#include "batch/batch_run.h"

/* Finds {ids}; the client must be open. Sets x->place, x->list and x->room. If
 * {ids} is in --body, also makes the URL, which is then the same for all
 * requests.
 * Fails: ERR_USAGE if {ids} is missing, or stands where a list of values is not
 *        possible. */
int batch_place_init(struct batch_run *x, struct err *e);
/* Appends the id `value`, encoded for x->place. Returns 0 with the code and the
 * reason in *f if the request cannot contain this id. */
int batch_put_id(const struct batch_run *x, const struct buf *value,
    bool is_string, struct buf *out, struct template_fault *f);

#endif
