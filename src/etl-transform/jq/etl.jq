# The functions of the module etl. Each definition is one line, because a filter
# gets only the definitions that it mentions (engine/filter_program.c).
# A function in C is called through debug and input: each argument is passed to
# debug, then "@TAG:f" | debug calls the function f of module.c, and input
# returns its result. If the user's filter may call debug too, filter_program.c
# puts ("@TAG:call" | debug) as $_ | at the start of each definition.

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
