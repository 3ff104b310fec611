"""Reads random files with etl-extract. The records must be those that Python
has written."""
import json
import os
import random
import subprocess
import sys


def compare(name, rounds, make):
    """Calls make(r), which returns the bytes of a file, its records and the
    options to read it, and reads the file, also on standard input. Returns the
    exit code. The last argument of the program is the seed."""
    seed = int(sys.argv[-1])
    r = random.Random(seed)
    path = os.path.join(os.environ['SCRATCH'], 'random')
    for i in range(int(os.environ.get('ROUNDS', rounds))):
        data, records, options = make(r)
        with open(path, 'wb') as f:
            f.write(data)
        for source in (path, '-'):
            out = subprocess.run(
                ['etl-extract'] + options + [source], input=data,
                capture_output=True, check=False)
            got = [json.loads(line) for line in out.stdout.splitlines()]
            if out.returncode != 0 or got != records:
                print(out.stderr.decode(), data[:2000], options)
                print('random %s files are read as by Python: seed %d, '
                      'file %d differs' % (name, seed, i))
                return 1
    print('random %s files are read as by Python (seed %d)' % (name, seed))
    return 0
