# Makes one header of sql/DB/*.sql: enum sql_id, and a table of texts a DB.
# sql/sqlite/run_start.sql is entry SQL_RUN_START of sql_sqlite[].
FNR == 1 {
	n = split(FILENAME, part, "/")
	db = part[n - 1]
	name = part[n]
	sub(/\.sql$/, "", name)
	if (!(db in dbs))
		dbs[db] = 1
	if (!(name in seen)) {
		seen[name] = 1
		names[++count] = name
	}
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	text[db, name] = text[db, name] "\n\t    \"" $0 "\\n\""
}
END {
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
