# Makes one C header of sql/DB/*.sql, DB being a dialect: enum sql_id, and for
# each dialect a table of texts.  The statement under "-- name: run_start" in
# sql/sqlite/runs.sql is entry SQL_RUN_START of sql_sqlite[].  Comments and
# blank lines are left out.
FNR == 1 {
	n = split(FILENAME, part, "/")
	db = part[n - 1]
	dbs[db] = 1
	name = ""
}
/^-- name: / {
	name = $3
	if (!(name in seen)) {
		seen[name] = 1
		names[++count] = name
	}
	next
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
name == "" {
	print FILENAME ":" FNR ": a statement without -- name:" >"/dev/stderr"
	failed = 1
	exit 1
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	text[db, name] = text[db, name] "\n\t    \"" $0 "\\n\""
}
END {
	if (failed)
		exit 1
	print "enum sql_id {"
	for (i = 1; i <= count; i++)
		printf "\tSQL_%s,\n", toupper(names[i])
	print "\tSQL_COUNT\n};"
	for (db in dbs) {
		printf "#ifdef SQL_%s_TEXTS\n", toupper(db)
		printf "static const char *const sql_%s[] = {\n", db
		for (i = 1; i <= count; i++)
			printf "\t[SQL_%s] =%s,\n", toupper(names[i]), \
			    (db, names[i]) in text ? text[db, names[i]] : " NULL"
		print "};\n#endif"
	}
}
