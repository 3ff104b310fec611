/* The statements of sql/, by name: "-- name: run_start" is SQL_RUN_START.
 * The list is generated from the files at build time. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <stddef.h>

#include "sql_scripts.h"

#endif
