/* One connection of libpq and its results, without libpq's types.
 * Owns:  struct pg. The caller owns an answer and calls pg_answer_free().
 * Borrows: fault until pg_close(); a column until its answer is freed.
 * Gives: rows one by one, as they arrive.
 * Fails: as described in db.h; pg_answer_check_or_free() frees a failed
 *        answer. */
#ifndef DB_PG_H
#define DB_PG_H

#include "db/pg_value.h"

struct pg;
struct pg_answer;

/* Runs the SQL script first_sql in each new session; borrows its text until
 * pg_close(). */
int pg_open(struct pg **pg, const char *url, const char *first_sql,
    struct db_fault *fault, struct err *e);
void pg_close(struct pg *pg);
int pg_reopen(struct pg *pg, struct err *e);
void pg_append_name_for_messages(const struct pg *pg, struct buf *b);
unsigned long pg_count_opens(const struct pg *pg);   /* how often it was opened,
                                                 * also by pg_reopen() */
bool pg_can_run_command(const struct pg *pg);
bool pg_is_in_transaction(const struct pg *pg);
/* True if a pool such as PgBouncer is between this program and the server. Such
 * a pool may give each transaction another session. So nothing of a session may
 * be used after the end of a transaction: no prepared statement, no temporary
 * table, no lock, no option. The options are set in each transaction. */
bool pg_is_pooled(const struct pg *pg);
int pg_set_limits(
    struct pg *pg, const struct db_limits *limits, struct err *e);

/* Discards all rows, also those of COPY ... TO STDOUT. *copy_in_began:
 * the server waits for the data of a COPY ... FROM STDIN. */
int pg_exec(struct pg *pg, const char *sql, bool *copy_in_began, struct err *e);
void pg_rollback(struct pg *pg);

/* types: the OIDs of the types of the n parameters. The server finds the types
 * whose OID is 0, and all of them if n is 0. */
int pg_prepare(struct pg *pg, const char *name, const char *sql,
    const unsigned *types, size_t n, struct err *e);
int pg_send_prepared(struct pg *pg, const char *name, const struct pg_args *a,
    size_t n, struct err *e);
/* Sends a statement that need not be prepared before. types: as above, or NULL
 * if the server finds them all. */
int pg_send_unprepared(struct pg *pg, const char *sql, const unsigned *types,
    const struct pg_args *a, size_t n, struct err *e);
/* Waits for the next answer of the server; NULL if there are no more. */
struct pg_answer *pg_next_answer(struct pg *pg);
void pg_answer_free(struct pg_answer *a);
/* Returns 1 for a row, 0 for the end of a command, -1 for its failure. */
int pg_answer_check_or_free(
    struct pg *pg, struct pg_answer *a, int64_t *changed, struct err *e);
size_t pg_count_columns(const struct pg_answer *a);
const char *pg_column(const struct pg_answer *a, size_t i, size_t *len,
    unsigned *oid);                     /* NULL if the value is NULL */

/* *a describes the columns of the result: pg_count_columns(), and for each
 * column pg_column_name() and pg_column_type(). */
int pg_describe(struct pg *pg, const char *name, struct pg_answer **a,
    struct err *e);
const char *pg_column_name(const struct pg_answer *a, size_t i);
unsigned pg_column_type(const struct pg_answer *a, size_t i);
/* True if pg_next_answer() returns without waiting for the server. Reads what
 * has arrived. */
bool pg_answer_is_ready(struct pg *pg);
int pg_socket(const struct pg *pg);
/* Cancels the SQL command that is running on the server. While the connection
 * is still being set up, no command of the caller is running, so the socket is
 * shut down instead. */
void pg_cancel_command_or_shut_opening_socket(struct pg *pg);

/* Call these after pg_exec() of a COPY ... FROM STDIN. */
int pg_copy_data(struct pg *pg, const char *p, size_t n, struct err *e);
int pg_copy_end(struct pg *pg, int64_t *rows, struct err *e);
/* As db_copy_end_script(). */
int pg_copy_end_script(
    struct pg *pg, int64_t *numbers, size_t n, struct err *e);

#endif
