#!/bin/sh
# Two scripts at different paths cannot have one name in one database: their runs,
# letters and locks would be mixed.
. tests/support/lib.sh
cd "$scratch"
mkdir a b 'c
d'
for folder in a b 'c
d'; do
	echo ':' >"$folder/posts.sh"
done
count() {
	sql "SELECT count(*) FROM pipeline_runs WHERE $1"
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: the first run of a script exits with 0" 0 \
	    "$(status etl-run a/posts.sh)"
	is "$kind: the row has the absolute path of the script" \
	    "$scratch/a/posts.sh" "$(sql 'SELECT script FROM pipeline_runs')"
	is "$kind: another script of this name is refused with 78" 78 \
	    "$(status etl-run b/posts.sh)"
	like "$kind: the message names the other script" \
	    "^etl-run: posts: .* script $scratch/a/posts\.sh" "$(cat err)"
	like "$kind: the message says that a script needs a name of its own" \
	    'give each script its own --name' "$(cat err)"
	like "$kind: the message says what to do if the script was moved" \
	    'if the script was moved, give --moved once' "$(cat err)"
	is "$kind: a refused run has no row" 1 "$(count '1 = 1')"
	is "$kind: a refused run is not tried again" 78 \
	    "$(status etl-run --retries 3 b/posts.sh)"
	is "$kind: the same name given with --name is refused too" 78 \
	    "$(status etl-run --name posts b/posts.sh)"
	is "$kind: another name given with --name is accepted" 0 \
	    "$(status etl-run --name b-posts b/posts.sh)"
	is "$kind: the first script still runs" 0 \
	    "$(status etl-run a/posts.sh)"
	is "$kind: the same script may be named by another path" 0 \
	    "$(cd a && status etl-run ../a/./posts.sh)"
	ln -s a link
	is "$kind: the same script may be named by a symbolic link" 0 \
	    "$(status etl-run link/posts.sh)"
	rm link
	is "$kind: the path of the last run counts after the link is gone" 78 \
	    "$(status etl-run a/posts.sh)"
	is "$kind: --moved accepts the script at its new path" 0 \
	    "$(status etl-run --moved a/posts.sh)"
	is "$kind: after --moved the script runs without the option" 0 \
	    "$(status etl-run a/posts.sh)"
	is "$kind: a command of -c may use the name of a script" 0 \
	    "$(status etl-run --name posts -c :)"
	is "$kind: a script on standard input may use the name of a script" 0 \
	    "$(echo : | status etl-run --name posts -)"
	is "$kind: runs of -c and of standard input have no script" 2 \
	    "$(count 'script IS NULL')"
	is "$kind: after them another script is still refused" 78 \
	    "$(status etl-run b/posts.sh)"
	is "$kind: a path with a control character is escaped" \
	    "0 $scratch/c\\nd/posts.sh" "$(status etl-run --moved 'c
d/posts.sh') $(sql 'SELECT script FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
	is "$kind: a script with such a path runs again" 0 "$(status etl-run 'c
d/posts.sh')"
	is "$kind: the JSON of --on-failure has the script" "$scratch/a/bad.sh" \
	    "$(echo 'exit 1' >a/bad.sh; etl-run --on-failure 'cat >failure' \
	    a/bad.sh 2>/dev/null || jq -r .script failure)"
	is "$kind: --dry-run of another script changes nothing and exits with 0" \
	    0 "$(status etl-run --dry-run b/posts.sh)"
	sql "UPDATE pipeline_runs SET script = NULL"
	is "$kind: rows without a script, of an older etl, refuse none" 0 \
	    "$(status etl-run b/posts.sh)"
done

db_new sqlite
mkdir 'é'
echo : >é/posts.sh
is 'a path that is not ASCII is stored as it is' "0 $scratch/é/posts.sh" \
    "$(status etl-run --db "$db" é/posts.sh) $(sql \
    'SELECT script FROM pipeline_runs')"
done_testing
