#!/bin/sh
# sql-statement.sh FILE NAME: prints the statement of that name in a file of
# sql/. The search path replaces the schema of the control tables.
exec awk -v name="$2" '/^-- name: / { inside = $3 == name; next }
inside { gsub(/[{]schema[}][.]/, ""); print }' "$1"
