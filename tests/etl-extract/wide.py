"""Files in encodings whose units have 2 or 4 bytes, with units that are no text.
Usage: wide.py FORMAT.  For each encoding of iconv(3) with such units: a file of
5,000 records, of which every 61st has a bad unit.  Those are rejects with the
bytes of the file; all the others come out.  Prints what is wrong, and last a line
with the number of encodings."""

import base64
import ctypes
import json
import os
import re
import subprocess
import sys

ROWS, EACH = 5000, 61
FORMAT = sys.argv[1]
FOLDER = os.environ["SCRATCH"]
C = ctypes.CDLL(None)
C.iconv_open.restype = ctypes.c_void_p
C.iconv.argtypes = [ctypes.c_void_p] * 5
C.iconv_close.argtypes = [ctypes.c_void_p]
INVALID = ctypes.c_void_p(-1).value
BAD = {2: (0xDC00, 0xD800, 0xDFFF, 0xDBFF),
       4: (0x110000, 0xD800, 0x7FFFFFFF, 0xFFFFFFFF)}


def encoded(name, ascii_text):
    """The text in the encoding, or nothing.  iconv(1) would be a process for each
    of 1,200 names."""
    converter = C.iconv_open(name.encode(), b"UTF-8")
    if converter == INVALID:
        return b""
    out = ctypes.create_string_buffer(64)
    place, end = ctypes.c_char_p(ascii_text), ctypes.c_void_p(
        ctypes.addressof(out))
    left, room = ctypes.c_size_t(len(ascii_text)), ctypes.c_size_t(64)
    C.iconv(converter, ctypes.byref(place), ctypes.byref(left),
            ctypes.byref(end), ctypes.byref(room))
    C.iconv_close(converter)
    return out.raw[:64 - room.value]


def newline(name):
    """The bytes of a newline, and those that iconv writes before the first."""
    one, two = encoded(name, b"\n"), encoded(name, b"\n\n")
    return two[len(one):], one[:2 * len(one) - len(two)]


def wide_encodings():
    names = subprocess.run(["iconv", "-l"], capture_output=True, text=True,
                           check=True).stdout
    # A slash at the end of a name is its separator; the names that contain a
    # slash need it.
    for name in sorted(set(re.sub(r"//$", "", n)
                           for n in re.split(r"[,\s]+", names) if n)):
        lf, mark = newline(name)
        if lf in (b"\n\0", b"\n\0\0\0", b"\0\n", b"\0\0\0\n"):
            order = "little" if lf[0] else "big"
            yield name, len(lf), order, mark
            if mark:
                yield name, len(lf), "big", mark[::-1]


def text(s, unit, order):
    return b"".join(ord(c).to_bytes(unit, order) for c in s)


def record(i, unit, order):
    """The bytes of record i without its line end."""
    before, after = (f"{i},ä", "€x") if FORMAT == "csv" else (
        f'{{"id":"{i}","v":"ä', '€x"}')
    if i % EACH:
        return text(before + after, unit, order)
    bad = BAD[unit][i // EACH % 4].to_bytes(unit, order)
    # The bad unit is the last of its line, or another character follows.
    if i // EACH // 4 % 2:
        return text(before + after, unit, order) + bad
    return text(before, unit, order) + bad + text(after, unit, order)


def wrong(name, unit, order, mark):
    path = f"{FOLDER}/wide.{FORMAT}"
    lines = [record(i, unit, order) for i in range(1, ROWS + 1)]
    with open(path, "wb") as f:
        f.write(mark)
        for line in ([text("id,v", unit, order)] if FORMAT == "csv" else []):
            f.write(line + text("\n", unit, order))
        for line in lines:
            f.write(line + text("\n", unit, order))
    open(FOLDER + "/rejects", "wb").close()
    p = subprocess.run(
        ["etl-extract", "--encoding", name, "--rejects", FOLDER + "/rejects",
         path], capture_output=True, check=False)
    ids = [json.loads(line)["id"] for line in p.stdout.splitlines()]
    raw = [base64.b64decode(json.loads(line)["raw_base64"])
           for line in open(FOLDER + "/rejects", "rb")]
    if p.returncode:
        return f"status {p.returncode}: {p.stderr.decode()}"
    if ids != [str(i) for i in range(1, ROWS + 1) if i % EACH]:
        return f"{len(ids)} records, {len(raw)} rejects"
    if raw != lines[EACH - 1::EACH]:
        return "a reject has other bytes than the file"
    return ""


done = 0
for encoding in wide_encodings():
    fault = wrong(*encoding)
    done += 1
    if fault:
        print(f"{encoding[0]}, {encoding[2]} endian: {fault}")
print(f"{done} encodings")
sys.exit(done < 30)
