#!/bin/sh
# pipeline.sh DAY FILE: replaces the sales of DAY with the sales in FILE, a CSV file.
# DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/day-by-day/pipeline.sh 2026-05-30 sales.csv
# To run it as a run that etl-status shows:
#	etl-run --name sales examples/patterns/day-by-day/pipeline.sh \
#	    2026-05-30 sales.csv
set -eu
day=$1 file=$2
here=$(dirname "$0")

etl-extract --stream sales --final-newline require "$file" |
etl-load --ddl "$here/sales.sql" --table sales --mode delete-insert \
    --scope day --scope-value "$day" --expect 'rows>=0.5*usual'
