/* libpq without its types: one connection and what it answers.
 * Owns:  struct pg; an answer is the caller's until pg_answer_free().
 * Borrows: fault until pg_close(); a column until its answer is freed.
 * Gives: rows one by one, as they come.
 * Fails: as db.h says; a failed answer is freed. */
#ifndef DB_PG_H
#define DB_PG_H

#include "db/pg_value.h"

struct pg;
struct pg_answer;

int pg_open(struct pg **pg, const char *url, struct db_fault *fault,
    struct err *e);
void pg_close(struct pg *pg);
int pg_reopen(struct pg *pg, struct err *e);
void pg_name(const struct pg *pg, struct buf *b);
unsigned long pg_opened(const struct pg *pg);   /* how often, from 1 */
bool pg_usable(const struct pg *pg);    /* would take a command */

/* What it asks for, also by COPY ... TO STDOUT, is thrown away; *copies where
 * it waits for the data of a COPY ... FROM STDIN. */
int pg_exec(struct pg *pg, const char *sql, bool *copies, struct err *e);
void pg_rollback(struct pg *pg);

int pg_parse(struct pg *pg, const char *name, const char *sql,
    struct err *e);
int pg_send(struct pg *pg, const char *name, const struct pg_args *a,
    size_t n, struct err *e);
struct pg_answer *pg_answer(struct pg *pg);     /* NULL: that was all */
void pg_answer_free(struct pg_answer *a);
/* 1 a row, 0 the end of a command, -1 its failure. */
int pg_answer_is(struct pg *pg, struct pg_answer *a, int64_t *changed,
    struct err *e);
size_t pg_columns(const struct pg_answer *a);
const char *pg_column(const struct pg_answer *a, size_t i, size_t *len,
    unsigned *oid);                     /* NULL is NULL */

/* After pg_exec() of a COPY ... FROM STDIN. */
int pg_copy_data(struct pg *pg, const char *p, size_t n, struct err *e);
int pg_copy_end(struct pg *pg, int64_t *rows, struct err *e);

#endif
