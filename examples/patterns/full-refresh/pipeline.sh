#!/bin/sh
# pipeline.sh SOURCE: replaces all countries with those of SOURCE, a file or URL.
# DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/full-refresh/pipeline.sh countries.json
# To run it every night at the same time, as a run that etl-status shows:
#	etl-run --name countries --every 24h \
#	    examples/patterns/full-refresh/pipeline.sh countries.json
set -eu
here=$(dirname "$0")

etl-extract --stream countries "$1" |
etl-load --ddl "$here/countries.sql" --table countries --mode replace \
    --expect 'rows>=0.5*usual'
