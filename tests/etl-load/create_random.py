#!/usr/bin/env python3
"""Records with random values, loaded with --create, must all be loaded, and must
come back from etl-extract --table with the values that they had.

usage: create_random.py ROUNDS DATABASE_URL SEED
"""
import datetime
import decimal
import json
import os
import random
import subprocess
import sys

rounds, url, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rnd = random.Random(seed)
lite = url.startswith('sqlite:')


class Number(str):
    """A number as it is written in JSON."""


def any_time():
    at = datetime.datetime(2000, 1, 1) + datetime.timedelta(
        seconds=rnd.randrange(10**9), microseconds=rnd.randrange(10**6))
    return at.isoformat() + rnd.choice(['Z', '+00:00', '-03:30', '+15:59'])


def any_number():
    return Number(rnd.choice([
        str(rnd.randrange(-9, 9)), str(rnd.randrange(-2**63, 2**63)),
        str(rnd.randrange(-10**30, 10**30)), '0.5', '1e3', '1.0', '-0.25e-3',
        '0.1234567890123456789', '1e400', '9007199254740993', '1E-5',
        '9223372036854775808', repr(rnd.uniform(-1e9, 1e9))]))


def any_text():
    return rnd.choice(['', 'x', ' 1', '12', 'true', 'null', 'é€', 'a"b\\',
                       '2026-02-30', '2026-01-31', '[1]', 'a\nb',
                       '12:30:00', '1.50', '2026-01-31T10:00:00'])


def any_json():
    return rnd.choice([[], {}, [1, 'x', None], {'a': {'b': True}}])


kinds = [any_time, any_number, any_text, any_json,
         lambda: rnd.choice([True, False]), lambda: None,
         lambda: any_time()[:10], lambda: Number(rnd.randrange(100)),
         lambda: Number('%d.5' % rnd.randrange(100))]


def dump(value):
    if isinstance(value, Number):
        return str.__str__(value)
    return json.dumps(value)


def write(record):
    return '{' + ','.join(json.dumps(k) + ':' + dump(v)
                          for k, v in record.items()) + '}'


def number(text):
    return decimal.Decimal(text)


def plain(value):
    """A value so that equal values of different columns compare equal."""
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, (list, dict)):
        return json.loads(json.dumps(value), parse_float=number,
                          parse_int=number)
    return value


def instant(text):
    try:
        return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    except ValueError:
        return None


def same(wanted, got):
    """True if the database gave `got` for `wanted`: the same value, or the text
    that stands for it in a text column."""
    if wanted is None or got is None:
        return wanted is got
    if plain(wanted) == got and isinstance(wanted, bool) == \
            isinstance(got, bool):
        return True
    if lite and isinstance(wanted, bool) and got == int(wanted):
        return True
    if not isinstance(got, str):
        return False
    if isinstance(wanted, str) and not isinstance(wanted, Number):
        at = instant(wanted)
        if len(wanted) > 10 and at is not None and at.tzinfo is not None and \
                at == instant(got):
            return True
        return lite and got.startswith('"') and json.loads(got) == wanted
    if isinstance(wanted, Number):
        return got == str.__str__(wanted)
    try:
        return json.loads(got, parse_float=number, parse_int=number) == \
            plain(wanted)
    except ValueError:
        return False


def run(args, text):
    return subprocess.run(args, input=text, capture_output=True, text=True)


def trial(n):
    names = ['c%d' % i for i in range(rnd.randrange(1, 8))]
    of = {name: rnd.sample(kinds, rnd.choice([1, 1, 2, 3])) for name in names}
    records = [{'id': Number(i), **{
        name: rnd.choice(of[name])() for name in names if rnd.random() < 0.9}}
        for i in range(rnd.randrange(1, 40))]
    table = 'r%d' % n
    done = run(['etl-load', '--db', url, '--table', table, '--create', '--key',
                'id', '--batch', str(rnd.randrange(1, 50))],
               '\n'.join(map(write, records)) + '\n')
    if done.returncode != 0:
        return '%s\n%s' % (done.stderr, '\n'.join(map(write, records)))
    rows = run(['etl-extract', '--table', table, url], '').stdout
    got = {row['id']: row for row in
           (json.loads(line, parse_float=number) for line in rows.split('\n')
            if line and not line.startswith('{"@etl"'))}
    for record in records:
        row = got.get(int(record['id']))
        if row is None:
            return 'not loaded: ' + write(record)
        for name, value in record.items():
            if not same(value, row[name]):
                return '%s: %r became %r' % (name, value, row[name])
    return None


for i in range(rounds):
    fault = trial(i)
    if fault:
        print(fault)
        print('each value of a sample is loaded and comes back (seed %d, '
              'table r%d)' % (seed, i))
        sys.exit(1)
print('each value of %d samples is loaded and comes back (seed %d)' %
      (rounds, seed))
