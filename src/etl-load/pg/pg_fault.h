/* Decides whether a record may be the cause of an error of PostgreSQL. */
#ifndef LOAD_PG_FAULT_H
#define LOAD_PG_FAULT_H

#include "db/db.h"

/* True if a record may be the cause of the failure of the last statement. Never
 * true for a lost connection and for the SQLSTATE classes 08, 53 and 57P. For
 * errors that usually pass (40001, 40P01, 55P03 and 57014), true only if
 * judge_all is set. */
bool pg_may_blame_record(const struct db_fault *f, bool judge_all);

#endif
