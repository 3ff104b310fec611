/* The cursor of an incremental run (etl-extract(1), "Incremental runs"): sets
 * the bounds of each request, follows the highest cursor value of the records,
 * and writes the checkpoint marks.
 * Borrows: the options.
 * Gives: cursor_advance() returns 1 if the record may be written, or 0 with the
 *        reason of the reject in *r, valid until the next call.
 * Fails: ERR_CONFIG if the records' values do not have the kind of the stored
 *        checkpoint; ERR_PEER if the records are not sorted as promised. */
#ifndef EXTRACT_CURSOR_H
#define EXTRACT_CURSOR_H

#include "common/extract.h"
#include "common/item.h"
#include "control/files.h"
#include "cursor/cursor_value.h"
#include "http/answer.h"
#include "http/request.h"
#include "json/scan.h"
#include "stream/stage.h"

enum {
	/* A checkpoint mark (a line with the cursor value up to which all
	 * records have been written) is written only if at least this many
	 * records have been written since the last mark, or this many
	 * milliseconds have passed. */
	MARK_RECORDS = 10000,
	MARK_MS = 1000
};

/* Returns the name of the first option of incremental runs that was given, such
 * as --cursor-field, or NULL. */
const char *cursor_find_option(const struct extract_opts *o);

/* Checks the options of incremental runs. Without --checkpoint, refuses those
 * that need it. Does not read the checkpoint. */
int cursor_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e);

/* Without --checkpoint, refuses the options that need it. */
int cursor_refuse(const struct extract_opts *o, struct err *e);
/* Checks --state and --db, the place where the checkpoint is stored. */
int cursor_check_store(const struct extract_opts *o, struct err *e);

struct cursor;

/* Reads the stored checkpoint. Call cursor_check() before. */
int cursor_open(struct cursor **c, const struct extract_opts *o,
    struct err *e);
void cursor_free(struct cursor *c);

/* Sets the query parameters for the lower and the upper bound in a request's
 * URL. */
int cursor_put_bounds(struct cursor *c, struct buf *url, struct err *e);
/* With --conditional, adds a header such as If-None-Match to the first request.
 * The service then answers with status 304 if nothing has changed since the
 * last run. */
int cursor_put_condition(struct cursor *c, struct request *r,
    struct err *e);
/* With --conditional, must be called after the answer to the first request.
 * Stores its ETag or Last-Modified value for the last checkpoint mark. */
int cursor_note_validators(struct cursor *c, const struct request *r,
    const struct http_answer *a, struct err *e);
/* Sets *since and *until to the bounds as text, for an SQL query, or to
 * NULL. */
void cursor_get_bounds(
    struct cursor *c, const char **since, const char **until);
/* Tells the cursor that the source sorts its records by the cursor value. So
 * checkpoint marks may be written between the records: at most one for each
 * page, or, if the source has no pages, whenever the highest value rises. */
void cursor_set_ordered(struct cursor *c);
/* Tells the cursor that the source sorts times as texts: 10:00:00Z comes after
 * 10:00:00.5Z. If the cursor values are times, the records then count as not
 * sorted. */
void cursor_distrust_times(struct cursor *c);
/* While marks are held, cursor_advance() writes no checkpoint mark. The caller
 * holds them while the service may have left out records. */
void cursor_hold_marks(struct cursor *c, bool holds);
/* True if a record since the last cursor_put_bounds() had a higher cursor value
 * than all records before it. */
bool cursor_has_risen(const struct cursor *c);
/* Returns which record of its page, counted from 1, last raised the highest
 * cursor value; 0 if no record has raised it since the last
 * cursor_put_bounds(). */
uint64_t cursor_risen_at(const struct cursor *c);
/* Sets *e for a full page on which the highest cursor value did not rise: no
 * lower bound can reach the records after this page. `most` is 0 if the page
 * has as many records as --size requests. Else the service seems to limit its
 * pages to `most` records, fewer than --size. */
int cursor_fail_stuck(const struct cursor *c, const char *page, uint64_t most,
    struct err *e);

/* Returns how many levels of nesting json_scan() must turn into tokens so that
 * the cursor can be found in a record. */
unsigned cursor_levels(const struct extract_opts *o);
/* Must be called for each record before it is written. Checks its cursor,
 * writes a checkpoint mark if one is due, and then raises the highest value. */
int cursor_advance(struct cursor *c, struct stage *s, const struct item *it,
    const struct json *j, struct reject *r, struct err *e);
/* Must be called after the last record. Writes a checkpoint mark if the highest
 * value is above the stored checkpoint and the last mark, or if the ETag or
 * Last-Modified value has changed. Fails if no record was accepted because the
 * cursor values had a wrong kind. */
int cursor_finish(struct cursor *c, struct stage *s, struct err *e);

/* Reads the stored checkpoint of --checkpoint, from the file of --state or from
 * the database of --db, in which missing control tables are created.
 * Owns:  the caller frees *stored, which is NULL if none is stored. */

int cursor_stored_read(const struct extract_opts *o, char **stored,
    int64_t *version, struct err *e);
/* Like cursor_stored_read(). Also calls each() for each stored file of
 * --new-files. */
int cursor_stored_files(const struct extract_opts *o, char **stored,
    int64_t *version, file_state_each *each, void *self, struct err *e);

#endif
