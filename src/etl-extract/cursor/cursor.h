/* Reading only what is new: what the service is asked for, how far the
 * records have come, and the marks that say so (etl-extract(1), INCREMENTS).
 * Borrows: the options.
 * Gives: cursor_take() judges the cursor's value in a record, and writes the
 *        mark that is due before it: 1 the record may go out, 0 it is the
 *        reject in *r, whose texts hold until the next call.
 * Fails: ERR_CONFIG where the stored value is of another kind; ERR_PEER where
 *        records come out of the order that was promised. */
#ifndef EXTRACT_CURSOR_H
#define EXTRACT_CURSOR_H

#include "cursor/cursor_value.h"
#include "extract.h"
#include "json/scan.h"
#include "item.h"
#include "stream/stage.h"

/* The options alone, before anything is read; also where there is none. */
int cursor_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e);

struct cursor;

/* Reads the stored checkpoint; the options have been checked. */
int cursor_open(struct cursor **c, const struct extract_opts *o,
    struct err *e);
void cursor_close(struct cursor *c);

/* Puts the bounds into a request's URL. */
int cursor_ask(struct cursor *c, struct buf *url, struct err *e);
/* The value has risen since the last cursor_ask(). */
bool cursor_moved(const struct cursor *c);
/* The record of the page that moved it last: its index, or 0. */
uint64_t cursor_risen(const struct cursor *c);
/* Why a whole page has not moved it: sets *e.  most: of records on a page as
 * long as those before, where that alone makes it whole; else 0. */
int cursor_stuck(const struct cursor *c, const char *page, uint64_t most,
    struct err *e);

unsigned cursor_levels(const struct extract_opts *o);   /* for the scan */
int cursor_take(struct cursor *c, struct stage *s, const struct item *it,
    const struct json *j, struct reject *r, struct err *e);
/* After the last record: the last mark, if the value moved. */
int cursor_finish(struct cursor *c, struct stage *s, struct err *e);

#endif
