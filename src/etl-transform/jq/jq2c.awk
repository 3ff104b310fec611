# The etl module as a C string, a line of jq to a line of text.
BEGIN { print "static const char etl_module[] =" }
/^def / {
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	print "    \"" $0 "\\n\""
}
END { print "    ;" }
