#!/bin/sh
# Only the user can read the files that the programs create: they hold records
# and what the database has of them.  A file that exists keeps its mode.
. tests/support/lib.sh
cd "$scratch"
umask 022
printf '%s\n' '{"id":1}' '{"id":' '{"id":2}' >in
printf '%s\n' '{"@etl":"reject"' >bad_line
etl-transform --plain 'if .id == 2 then error("no") else . end' <in \
    --rejects rejects 2>err | grep -v '@etl' >out || :

# modes FILE...: prints the mode of each FILE.
modes() {
	stat -c '%a' "$@" | tr '\n' ' ' | sed 's/ $//'
}
# write_all_files: lets the programs write files whose names begin with $to.
write_all_files() {
	etl-extract --format ndjson --rejects "$to.extract" in >out 2>err || :
	etl-transform --plain --rejects "$to.transform" 'error("no")' <in \
	    >out 2>err || :
	etl-run --db "sqlite:$to.load.db" --name p -c : 2>err || :
	sqlite3 "$to.load.db" 'CREATE TABLE t (id int)'
	etl-load --db "sqlite:$to.load.db" --plain --table t \
	    --rejects "$to.load" <in >out 2>err || :
	etl-run --db "sqlite:$to.run.db" --name p -c : 2>err || :
	etl-checkpoint set --db "sqlite:$to.set.db" p 1 2>err || :
	etl-checkpoint set --state "file:$to.state" p 1 2>err || :
	etl-dlq put --db "sqlite:$to.put.db" --bad "$to.bad" rejects bad_line \
	    >out 2>err || :
}
to=new
write_all_files
files='new.extract new.transform new.load new.bad new.state new.load.db
    new.run.db new.set.db new.put.db'
# shellcheck disable=SC2086
is 'rejects, bad lines, state and databases that are created have mode 600' \
    '600 600 600 600 600 600 600 600 600' "$(modes $files)"
ln -s target.db link.db
is 'etl-run exits with 0 with a link to a missing database' 0 \
    "$(status etl-run --db sqlite:link.db --name p -c :)"
is 'a database that is created through a link has mode 600' 600 \
    "$(modes target.db)"
etl-run --db sqlite:open.db --name p -c 'sqlite3 open.db \
    "SELECT count(*) FROM pipeline_runs" ".shell stat -c %a open.db* >while"' \
    >out 2>err || :
is 'the files of SQLite beside a database that is created have mode 600' \
    '600 600 600' "$(tr '\n' ' ' <while | sed 's/ $//')"
is 'a script of etl-run has the umask of the user' 0022 \
    "$(etl-run --db sqlite:open.db --name p -c umask)"

to=old
for file in $files; do
	: >"old.${file#new.}"
	chmod 640 "old.${file#new.}"
done
echo '{}' >old.state
write_all_files
# shellcheck disable=SC2046
is 'rejects, bad lines, state and databases that exist keep their mode' \
    '640 640 640 640 640 640 640 640 640' \
    "$(modes $(echo "$files" | sed 's/new/old/g'))"
is 'every file that existed was written' '' \
    "$(find . -name 'old.*' -size 0)"
done_testing
