# The module etl.  A definition is one line; a filter gets the ones it names.
# "@TAG:f" | debug tells filter.c that f of native.c is called, each debug
# after it hands over an argument, and input brings the result.

def require($names): ("@TAG:require" | debug) as $_ | ($names | debug) as $_ | debug | input;
def normalize_text: ("@TAG:normalize_text" | debug) as $_ | debug | input;
def title_case: ("@TAG:title_case" | debug) as $_ | debug | input;
def word_count: ("@TAG:word_count" | debug) as $_ | debug | input;
def to_int: ("@TAG:to_int" | debug) as $_ | debug | input;
def to_number: ("@TAG:to_number" | debug) as $_ | debug | input;
def to_timestamp: ("@TAG:to_timestamp" | debug) as $_ | debug | input;
def to_timestamp($zone): ("@TAG:to_timestamp_in" | debug) as $_ | ($zone | debug) as $_ | debug | input;
def now_utc: "@TAG:now_utc" | debug | input;
def reject($code; $message): error({"@etl": "reject", code: $code, message: $message});
def reject($code; $message; $pointer): error({"@etl": "reject", code: $code, message: $message, pointer: $pointer});
