# Writes each example of a page to its own file: DIR/1, DIR/2, ...
# A man page's are the literal displays of its EXAMPLES section; README.md's
# are its blocks marked sh.
function open_block() { n++; file = dir "/" n; printf "" >file; inside = 1 }
function close_block() { close(file); inside = 0 }

/^\.Sh / { examples = ($2 == "EXAMPLES") }
examples && /^\.Bd .*-literal/ { open_block(); next }
inside && /^\.Ed/ { close_block(); next }
/^```sh$/ { open_block(); next }
inside && /^```$/ { close_block(); next }
inside {
	gsub(/\\\(aq/, "'")
	gsub(/\\\(dq/, "\"")
	gsub(/\\&/, "")
	gsub(/\\-/, "-")
	gsub(/\\e/, "\\")
	sub(/^\$ /, "")
	print >file
}
