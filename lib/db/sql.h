/* The scripts under sql/, named by file: sql/DB/run_start.sql is
 * SQL_RUN_START. The list is made at build time from the files. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include "sql_scripts.h"

#endif
