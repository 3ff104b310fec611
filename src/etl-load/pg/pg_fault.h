/* Whether a record may be the cause of a failure of PostgreSQL. */
#ifndef LOAD_PG_FAULT_H
#define LOAD_PG_FAULT_H

#include "db/db.h"

/* True if the statement that has just failed may have failed because of a
 * record. False for errors that are never a record's: a lost connection and the
 * SQLSTATE classes 08, 53 and 57P; and, unless judge_all is set, for errors
 * that usually pass: 40001, 40P01, 55P03 and 57014. */
bool pg_record_may_be_cause(const struct db_fault *f, bool judge_all);

#endif
