# The module etl.  A definition is one line; a filter gets the ones it names.
# What debug is given is an argument, "@TAG:f" | debug names the function of
# module.c, and input brings its result.  Where the user has debug, too,
# program.c puts ("@TAG:call" | debug) as $_ | in front of what it names.

def require($names): debug | $names | debug | "@TAG:require" | debug | input;
def normalize_text: debug | "@TAG:normalize_text" | debug | input;
def title_case: debug | "@TAG:title_case" | debug | input;
def word_count: debug | "@TAG:word_count" | debug | input;
def to_int: debug | "@TAG:to_int" | debug | input;
def to_number: debug | "@TAG:to_number" | debug | input;
def to_timestamp: debug | "@TAG:to_timestamp" | debug | input;
def to_timestamp($zone): debug | $zone | debug | "@TAG:to_timestamp_in" | debug | input;
def now_utc: "@TAG:now_utc" | debug | input;
def reject($code; $message): error({"@etl": "reject", code: $code, message: $message});
def reject($code; $message; $pointer): error({"@etl": "reject", code: $code, message: $message, pointer: $pointer});
