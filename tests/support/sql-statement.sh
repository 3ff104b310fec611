#!/bin/sh
# sql-statement.sh FILE NAME: prints the statement of that name in a file of sql/.
exec awk -v name="$2" '/^-- name: / { inside = $3 == name; next } inside' "$1"
