"""Reads random JSON files with etl-extract and with Python's json module. The
records must be the same. The last argument is the seed."""
import json
import sys

from random_files import compare

PIECES = ['a', ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '\n', '\t', 'é',
          '€', '\U0001f600', '/', '~', 'x' * 9, 'long ' * 40, '\u2028']


def text(r):
    return ''.join(r.choice(PIECES) for _ in range(r.randrange(5)))


def value(r, depth=0):
    kind = r.randrange(8 if depth < 5 else 6)
    if kind == 6:
        return [value(r, depth + 1) for _ in range(r.randrange(4))]
    if kind == 7:
        return {text(r): value(r, depth + 1) for _ in range(r.randrange(4))}
    return [None, True, r.randrange(-9, 10 ** 20), r.random(), text(r),
            1e300][kind]


def record(r):
    made = {text(r): value(r) for _ in range(r.randrange(5))}
    return made if '@etl' not in made else {}


def dump(r, what):
    """The text of the value, with random white space and escapes."""
    return json.dumps(what, ensure_ascii=r.random() < 0.5,
                      indent=r.choice([None, None, 0, 3, '\t\r']),
                      separators=r.choice([(',', ':'), (' , ', ' : ')]))


def make_text(r):
    """Returns the text of a file, its records and its options."""
    records = [record(r) for _ in range(r.randrange(60))]
    form = r.randrange(3)
    if form == 0:
        return dump(r, records), records, []
    if form == 1:
        end = r.choice(['', '\n', ' \r\n '])
        return ''.join(dump(r, x) + end for x in records), records, []
    path, whole = [], records
    for _ in range(r.randrange(4)):
        beside = [value(r) for _ in range(r.randrange(3))]
        if r.random() < 0.4:
            at = r.randrange(len(beside) + 1)
            path.insert(0, str(at))
            whole = beside[:at] + [whole] + beside[at:]
        else:
            name = text(r)
            path.insert(0, name)
            members = [(text(r) + '2', x) for x in beside] + [(name, whole)]
            r.shuffle(members)
            whole = dict(members)
    pointer = ''.join('/' + p.replace('~', '~0').replace('/', '~1')
                      for p in path)
    return dump(r, whole), records, ['--records', pointer]


def make(r):
    text, records, options = make_text(r)
    return text.encode(), records, ['--format', 'json'] + options


sys.exit(compare('JSON', 80, make))
