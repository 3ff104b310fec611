/* One connection of libpq and its results, without libpq's types.
 * Owns:  struct pg. The caller owns an answer and calls pg_answer_free().
 * Borrows: fault until pg_close(). The values of an answer are valid until it
 *        is freed.
 * Gives: rows one by one, as they arrive.
 * Fails: as described in db.h. If an answer is a failure, pg_answer_status()
 *        frees it. */
#ifndef DB_PG_H
#define DB_PG_H

#include "db/pg_driver.h"

struct pg;
struct pg_answer;

/* Runs the SQL script first_sql in each new session, also after pg_reopen(). So
 * its text must stay valid until pg_close(). */
int pg_open(struct pg **pg, const char *url, const char *first_sql,
    struct db_fault *fault, struct err *e);
void pg_close(struct pg *pg);
int pg_reopen(struct pg *pg, struct err *e);
void pg_put_name(const struct pg *pg, struct buf *b);
unsigned long pg_count_opens(const struct pg *pg);   /* how often it was opened,
                                                 * also by pg_reopen() */
bool pg_can_run(const struct pg *pg);
bool pg_is_in_transaction(const struct pg *pg);
/* True if a pool such as PgBouncer is between this program and the server. The
 * pool may run each transaction in another session. So a prepared statement, a
 * temporary table, a lock or an option of the session must not be used after
 * the transaction ends. The options are set again in each transaction. */
bool pg_is_pooled(const struct pg *pg);
int pg_set_limits(
    struct pg *pg, const struct db_limits *limits, struct err *e);

/* Runs a script and discards all rows that it returns. Sets *copy_in_began to
 * true if the server now waits for the data of a COPY ... FROM STDIN. */
int pg_exec(struct pg *pg, const char *sql, bool *copy_in_began, struct err *e);
void pg_rollback(struct pg *pg);

/* `types` holds the OIDs of the types of the n parameters. The server infers a
 * type whose OID is 0; if n is 0, it infers all types. */
int pg_prepare(struct pg *pg, const char *name, const char *sql,
    const unsigned *types, size_t n, struct err *e);
int pg_send_prepared(struct pg *pg, const char *name, const struct pg_args *a,
    size_t n, struct err *e);
/* Sends a statement that was not prepared. `types` is as for pg_prepare(), or
 * NULL if the server infers all types. */
int pg_send_unprepared(struct pg *pg, const char *sql, const unsigned *types,
    const struct pg_args *a, size_t n, struct err *e);
/* Waits for the next answer of the server. Returns NULL after the last one. */
struct pg_answer *pg_next_answer(struct pg *pg);
void pg_answer_free(struct pg_answer *a);
/* Returns 1 if the answer is a row, 0 if it is the end of a command (sets
 * *changed), and -1 if the command has failed. It frees the answer if the
 * command has failed. */
int pg_answer_status(struct pg *pg, struct pg_answer *a, int64_t *changed,
    struct err *e);
size_t pg_count_columns(const struct pg_answer *a);
/* Returns NULL if the value is NULL. */
const char *pg_column_value(const struct pg_answer *a, size_t i, size_t *len,
    unsigned *oid);

/* Sets *a to a description of the result of a prepared statement:
 * pg_count_columns() and, for each column, pg_column_name(), pg_column_type()
 * and pg_column_typmod() read it. */
int pg_describe(struct pg *pg, const char *name, struct pg_answer **a,
    struct err *e);
const char *pg_column_name(const struct pg_answer *a, size_t i);
unsigned pg_column_type(const struct pg_answer *a, size_t i);
int pg_column_typmod(const struct pg_answer *a, size_t i);      /* or -1 */
/* Reads what has arrived from the server, without waiting. Returns true if
 * pg_next_answer() now need not wait. */
bool pg_answer_is_ready(struct pg *pg);
int pg_socket(const struct pg *pg);
/* Cancels the SQL command that is running on the server. While the connection
 * is still being set up, no command of the caller is running, so the socket is
 * shut down instead. */
void pg_cancel(struct pg *pg);

/* Call these after pg_exec() has begun a COPY ... FROM STDIN. */
int pg_copy_data(struct pg *pg, const char *p, size_t n, struct err *e);
int pg_copy_end(struct pg *pg, int64_t *rows, struct err *e);
/* See db_copy_end_script(). */
int pg_copy_end_script(struct pg *pg, int64_t *numbers, size_t n,
    struct err *e);

#endif
