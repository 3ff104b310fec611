"""Reads random CSV files with etl-extract and with Python's csv module. The
records must be the same. The last argument is the seed."""
import csv
import io
import sys

from random_files import compare

PIECES = ['a', 'b', '1', ' ', ',', ';', '"', '""', '\n', '\r\n', '\t', 'é',
          '€', '\U0001f600', '\\', '/', "'", '#', 'x' * 9, 'long ' * 40]


def text(r):
    return ''.join(r.choice(PIECES) for _ in range(r.randrange(6)))


def make(r):
    """Returns the bytes of a well-formed file, its records and options."""
    dialect = {'delimiter': r.choice(',;\t'), 'quotechar': r.choice('"\''),
               'lineterminator': r.choice(['\n', '\r\n']),
               'quoting': r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])}
    width = r.randrange(2, 9)
    names = ['c%d' % i for i in range(width)]
    rows = [[text(r) for _ in range(width)] for _ in range(r.randrange(200))]
    out = io.StringIO()
    writer = csv.writer(out, **dialect)
    writer.writerow(names)
    writer.writerows(rows)
    data = out.getvalue()
    if r.random() < 0.3:
        data = data[:-len(dialect['lineterminator'])]
    options = ['--format', 'csv', '--quote', dialect['quotechar'],
               '--delimiter', dialect['delimiter'].replace('\t', '\\t')]
    return data.encode(), [dict(zip(names, row)) for row in rows], options


sys.exit(compare('CSV', 60, make))
