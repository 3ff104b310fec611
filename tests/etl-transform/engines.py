#!/usr/bin/env python3
"""Compares the engines of etl-transform on random filters and records.

usage: engines.py ETL_TRANSFORM FILTERS RECORDS [SEED]

SIGTERM ends the comparison after the current filter.

Each filter runs on RECORDS random records with --engine native and --engine jq.
Outputs and rejects must have the same bytes. Filters that the native engine
lacks are left out. Prints the number of pairs (filter, record) compared.
"""
import json
import os
import random
import signal
import subprocess
import sys

NAMES = ['a', 'b', 'c', 'id', 'x', '', 'a b', 'é']
TEXTS = ['', 'a', 'abc', 'A,b', 'x y', 'é', '\U0001f600', 'a\\b"', '\n\t', '\x7f',
         ' 12 ', '7', '-7', '1.50', '007', '2.0', '1e3', 'null', ',', 'a,b,,c',
         '2024-05-01T12:00:00Z', '2024-05-01 10:00:00', '\x00', '/', '~', '"@etl"']
NUMBERS = ['0', '1', '-1', '2', '3', '7', '10', '-0', '0.5', '1.5', '12.25', '100',
           '1000000', '999999999999999']
ODD_NUMBERS = ['1.0', '1.50', '1e3', '1E400', '-0.0', '10000000000000000000',
               '10000000000000000001', '0.1e1', '123456789012345678', '1e-7', '3.0',
               '0.30000000000000004', '1e17']
MODULE = ['normalize_text', 'title_case', 'word_count', 'to_int', 'to_number',
          'to_timestamp', 'to_timestamp("UTC")', 'require(["a","b"])',
          'to_timestamp("Europe/Berlin")']


class Records:
    def __init__(self, r):
        self.r = r

    def text(self):
        r = self.r
        s = r.choice(TEXTS)
        if r.random() < 0.1:
            s = ''.join(r.choice(TEXTS) for _ in range(3))
        t = json.dumps(s, ensure_ascii=r.random() < 0.5)
        if r.random() < 0.05:
            t = t.replace('a', '\\u0061')
        if r.random() < 0.05:
            t = t.replace('/', '\\/')
        return t

    def number(self, odd):
        r = self.r
        return r.choice(ODD_NUMBERS if odd and r.random() < 0.4 else NUMBERS)

    def value(self, depth, odd):
        r = self.r
        k = r.random()
        if k < 0.22:
            return self.number(odd)
        if k < 0.5:
            return self.text()
        if k < 0.62:
            return r.choice(['null', 'true', 'false'])
        if depth == 0:
            return r.choice(['[]', '{}', '1'])
        if k < 0.8:
            return '[' + ','.join(self.value(depth - 1, odd)
                                  for _ in range(r.randrange(4))) + ']'
        return self.object(depth - 1, odd)

    def object(self, depth, odd):
        r = self.r
        names = r.sample(NAMES, r.randrange(len(NAMES)))
        if r.random() < 0.02:
            names = [f'n{i}' for i in range(40)] + names
        gap = ' ' if r.random() < 0.03 else ''
        parts = []
        for n in names:
            name = json.dumps(n, ensure_ascii=r.random() < 0.5)
            if r.random() < 0.03:
                name = name.replace('a', '\\u0061')
            parts.append(name + ':' + gap + self.value(depth, odd))
        return '{' + (',' + gap).join(parts) + '}'

    def record(self):
        r = self.r
        if r.random() < 0.01:
            return '{"a":' + '[' * 240 + ']' * 240 + ',"b":{"c":1}}'
        return self.object(3, r.random() < 0.3)


class Filters:
    def __init__(self, r):
        self.r = r
        self.vars = []
        self.funcs = []

    def pick(self, *choices):
        return self.r.choice(choices)

    def literal(self):
        r = self.r
        return self.pick(str(r.randrange(5)), '1.5', '0.0', '1.0', 'null', 'true', 'false',
                         '"a"', '","', '"a\\u00e9\\n"', '""', '[]', '{}', '"abc"', '"id"')

    def path(self):
        r = self.r
        p = '.'
        for i in range(r.randrange(1, 4)):
            k = r.random()
            dot = '' if i == 0 else '.'
            if k < 0.6:
                s = ('.' if i else '') + self.pick('a', 'b', 'c', 'id', 'x')
            elif k < 0.7:
                s = dot + self.pick('"a b"', '"é"', '""') if i else self.pick('"a b"', '"é"')
            elif k < 0.8:
                s = '[' + self.pick('0', '-1', '1', '"a"') + ']'
            elif k < 0.87:
                s = '[]'
            elif k < 0.93:
                s = '[' + self.pick('1:', ':2', '-1:', '0:1', ':-1', '.a:') + ']'
            else:
                s = '[' + self.expr(1) + ']'
            p += s
            if r.random() < 0.35:
                p += '?'
        return p

    def term(self, d):
        r = self.r
        k = r.random()
        if self.vars and k < 0.12:
            return '$' + r.choice(self.vars)
        if self.funcs and k < 0.2:
            name, n = r.choice(self.funcs)
            if n == 0:
                return name
            return f'{name}(' + '; '.join(self.expr(d - 1) for _ in range(n)) + ')'
        if k < 0.5 or d <= 0:
            return self.path() if r.random() < 0.75 else self.literal()
        return self.compound(d - 1)

    def object(self, d):
        parts = []
        for _ in range(self.r.randrange(5)):
            k = self.r.random()
            if k < 0.35:
                parts.append(self.pick('a', 'b', 'id', '"a b"', 'x'))
            elif k < 0.45 and self.vars:
                parts.append('$' + self.r.choice(self.vars))
            elif k < 0.6:
                parts.append(f'({self.expr(d)}): {self.term(d)}')
            elif k < 0.7:
                parts.append(f'"k\\({self.expr(d)})": {self.term(0)}')
            else:
                parts.append(self.pick('a', 'b', 'if', '"z"', 'n') + ': ' +
                             self.pick(f'({self.expr(d)})', self.term(d),
                                       self.term(0) + ' | ' + self.term(0)))
        return '{' + ', '.join(parts) + '}'

    def bind(self, d, body):
        v = f'v{len(self.vars)}'
        self.vars.append(v)
        s = body(v)
        self.vars.pop()
        return s

    def compound(self, d):
        r = self.r
        e = self.expr
        return self.pick(
            lambda: f'({e(d)})',
            lambda: f'[{e(d)}]',
            lambda: self.object(d),
            lambda: self.object(d),
            lambda: f'"t\\({e(d)})u"',
            lambda: f'(if {e(d)} then {e(d)} else {e(d)} end)',
            lambda: f'(if {e(d)} then {e(d)} elif {e(d)} then {e(d)} else {e(d)} end)',
            lambda: f'map({e(d)})', lambda: f'select({e(d)})',
            lambda: f'(try {self.term(d)})',
            lambda: f'(try {self.term(d)} catch {self.term(d)})',
            lambda: f'(({e(d)})?)',
            lambda: f'first({e(d)})', lambda: f'limit({r.randrange(4)}; {e(d)})',
            lambda: f'last({e(d)})', lambda: f'[range({self.term(0)})]',
            lambda: f'range({r.randrange(3)}; {r.randrange(5)})',
            lambda: f'error({e(d)})', lambda: f'del({self.pick(".a", ".a.b", ".a, .b", ".x")})',
            lambda: f'with_entries({self.pick(".value |= ", ".value = ", "select(.key != ")}' +
                    f'{self.term(0)}' + ')',
            lambda: self.call(d), lambda: self.call(d), lambda: self.call(d),
            lambda: self.bind(d, lambda v: f'reduce {self.term(0)} as ${v} ({e(d)}; {e(d)})').join('()'),
            lambda: self.bind(d, lambda v: f'foreach {self.term(0)} as ${v} ({e(d)}; {e(d)})').join('()'),
            lambda: self.bind(d, lambda v: f'foreach {self.term(0)} as ${v} ({self.term(0)}; {e(d)}; {e(d)})').join('()'),
            lambda: f'reject("range"; {self.term(0)}; "/a")', lambda: 'reject("c"; "m")',
            lambda: f'({self.path()} | {self.pick(*MODULE)})',
            lambda: f'({self.pick(*MODULE)})',
            lambda: f'(-{self.term(0)})',
        )()

    def call(self, d):
        e = self.expr
        return '(' + self.term(0) + ' | ' + self.pick(
            lambda: self.pick('length', 'keys', 'keys_unsorted', 'type', 'tostring', 'tonumber',
                              'add', 'not', 'floor', 'ascii_downcase', 'ascii_upcase', 'tojson',
                              'sort', 'unique', 'min', 'max', 'reverse', 'to_entries',
                              'utf8bytelength', 'from_entries', 'first', 'last', 'values',
                              'nulls', 'strings', 'numbers', 'todate', 'empty', 'error'),
            lambda: self.pick('has', 'split', 'join', 'startswith', 'endswith', 'ltrimstr',
                              'rtrimstr') + f'({self.pick(self.literal(), e(d))})',
        )() + ')'

    def binary(self, d):
        op = self.pick('+', '+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'and',
                       'or', '//', '//')
        return f'{self.term(d)} {op} {self.term(d)}'

    def expr(self, d):
        r = self.r
        k = r.random()
        if d <= 0 or k < 0.35:
            return self.term(d)
        if k < 0.55:
            return self.binary(d - 1)
        if k < 0.65:
            return f'{self.expr(d - 1)} | {self.expr(d - 1)}'
        if k < 0.72:
            return f'{self.expr(d - 1)}, {self.expr(d - 1)}'
        if k < 0.8:
            source = self.term(d - 1)
            return self.bind(d, lambda v: f'{source} as ${v} | {self.expr(d - 1)}')
        if k < 0.86:
            return self.assign(d - 1)
        if k < 0.9:
            return self.define(d - 1)
        return self.binary(d - 1) + self.pick(' + ', ' // ', ' and ', ' == ') + self.term(d - 1)

    def assign(self, d):
        p = self.pick('.a', '.b', '.a.b', '."a b"', '.x.a.b', '.[0]')
        op = self.pick('=', '|=', '+=', '-=', '*=', '/=', '//=')
        return f'{p} {op} {self.term(d)}'

    def define(self, d):
        name = f'f{len(self.funcs)}'
        kind = self.r.randrange(4)
        params, n = [('', 0), ('(g)', 1), ('($p)', 1), ('(g; $p)', 2)][kind]
        funcs, names = list(self.funcs), list(self.vars)
        if 'g' in params:
            self.funcs.append(('g', 0))
        if 'p' in params:
            self.vars.append('p')
        body = self.expr(d)
        self.funcs, self.vars = funcs + [(name, n)], names
        s = f'def {name}{params}: {body}; {self.expr(d)}'
        self.funcs = funcs
        return s

    def filter(self):
        k = self.r.random()
        d = self.r.randrange(1, 5)
        e = self.expr(d)
        if k < 0.5:
            return e if k < 0.1 else '{r: (' + e + ')}'
        if k < 0.6:
            return '. + {r: [' + e + ']}'
        if k < 0.7:
            return '{r: [' + self.expr(d - 1) + '], a, t: (' + self.path() + ')}'
        if k < 0.8:
            return '. | ' + e + ' | {v: .}'
        if k < 0.9:
            return self.assign(d)
        return '(' + e + ') as $q | {$q, a: .a}'


def run(program, engine, text, records):
    r, w = os.pipe()
    with open(os.environ.get('TMPDIR', '/tmp') + f'/rejects.{os.getpid()}.{engine}', 'w+b') as f:
        os.close(r)
        os.close(w)
        p = subprocess.run([program, '--std', '--engine', engine, '--arg', 'w', 'é,"', '--time-limit', '300s',
                            '--rejects', f.name, text], input=records,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        rejects = [json.loads(s) for s in f.read().splitlines()]
        os.unlink(f.name)
    for x in rejects:
        for name in ('occurrence', 'at'):
            x.pop(name, None)
    return p.returncode, p.stdout, rejects, p.stderr


def main():
    program, filters, records = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    r = random.Random(seed)
    pairs = lacking = wrong = bad = 0
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    for i in range(filters):
        if stopped:
            break
        text = Filters(r).filter()
        lines = ''.join(Records(r).record() + '\n' for _ in range(records))
        data = lines.encode('utf-8', 'surrogatepass')
        native = run(program, 'native', text, data)
        if native[0] == 78:
            lack = b'--engine native cannot' in native[3]
            lacking += lack
            bad += not lack
            if os.environ.get('SHOW'):
                print('# ', native[3].decode(), text)
            continue
        jq = run(program, 'jq', text, data)
        pairs += records
        if native[:3] != jq[:3]:
            wrong += 1
            print(f'# seed {seed}, filter {i}: {text}')
            for a, b in zip(native[1].splitlines(), jq[1].splitlines()):
                if a != b:
                    print(f'#   native {a!r}\n#   jq     {b!r}')
                    break
            for a, b in zip(native[2], jq[2]):
                if a != b:
                    print(f'#   native {str(a)[:600]}\n#   jq     {str(b)[:600]}')
                    break
            print(f'#   {native[0]} {jq[0]}, {native[3][-200:]!r} {jq[3][-200:]!r}')
            if wrong == 10:
                break
    print(f'seed {seed}: {pairs} pairs, {lacking} filters lacking, {bad} not valid, '
          f'{wrong} filters differ')
    return 1 if wrong or pairs == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
