/* Where the ids of --batch-each stand in a request, and how they are written
 * there: at {ids} in the URL or in --body. */
#ifndef EXTRACT_BATCH_PLACE_H
#define EXTRACT_BATCH_PLACE_H

#include "batch/batch_run.h"

/* Finds {ids}; the client must be open. Sets x->place, x->list and x->room. If
 * {ids} is in --body, makes the URL, which is then that of all requests.
 * Fails: ERR_USAGE if {ids} is absent, or at a place where a list of values
 *        cannot stand. */
int batch_place_find(struct batch_run *x, struct err *e);
/* Appends the id `value`, encoded for its place. Returns 0 with code and why in
 * *f if the request cannot have it. */
int batch_place_put_id(const struct batch_run *x, const struct buf *value,
    bool is_string, struct buf *out, struct template_fault *f);

#endif
