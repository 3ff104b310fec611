"""Reads random CSV files with etl-extract and with Python's csv module. The
records must be the same. The last argument is the seed."""
import csv
import io
import json
import os
import random
import subprocess
import sys

ROUNDS = int(os.environ.get('ROUNDS', '60'))
PIECES = ['a', 'b', '1', ' ', ',', ';', '"', '""', '\n', '\r\n', '\t', 'é',
          '€', '\U0001f600', '\\', '/', "'", '#', 'x' * 9, 'long ' * 40]


def text(r):
    return ''.join(r.choice(PIECES) for _ in range(r.randrange(6)))


def make(r):
    """Returns the bytes of a well-formed file, its rows and its dialect."""
    dialect = {'delimiter': r.choice(',;\t'), 'quotechar': r.choice('"\''),
               'lineterminator': r.choice(['\n', '\r\n']),
               'quoting': r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])}
    width = r.randrange(2, 9)
    rows = [[text(r) for _ in range(width)] for _ in range(r.randrange(200))]
    out = io.StringIO()
    writer = csv.writer(out, **dialect)
    writer.writerow(['c%d' % i for i in range(width)])
    writer.writerows(rows)
    data = out.getvalue()
    if r.random() < 0.3:
        data = data[:-len(dialect['lineterminator'])]
    return data.encode(), rows, dialect


def main():
    seed = int(sys.argv[-1])
    r = random.Random(seed)
    path = os.path.join(os.environ['SCRATCH'], 'random.csv')
    for i in range(ROUNDS):
        data, rows, dialect = make(r)
        with open(path, 'wb') as f:
            f.write(data)
        args = ['etl-extract', '--delimiter',
                dialect['delimiter'].replace('\t', '\\t'),
                '--quote', dialect['quotechar']]
        for source in (path, '-'):
            out = subprocess.run(
                args + ['--format', 'csv', source], input=data,
                capture_output=True, check=False)
            got = [list(json.loads(line).values())
                   for line in out.stdout.splitlines()]
            if out.returncode != 0 or got != rows:
                print(out.stderr.decode(), data[:2000], rows[:20], got[:20])
                print('random CSV files are read as by Python: seed %d, '
                      'file %d differs' % (seed, i))
                return 1
    print('random CSV files are read as by Python (seed %d)' % seed)
    return 0


sys.exit(main())
