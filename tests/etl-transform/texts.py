#!/usr/bin/env python3
"""Writes random texts that are, or look like, filters; each ends in a NUL.

usage: texts.py NUMBER [SEED]
"""
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engines import Filters  # noqa: E402

WORDS = ['and', 'or', 'not', 'def', 'then', 'elif', 'else', 'end', 'as', 'reduce', 'foreach',
         'catch', 'label', 'break', '__loc__', 'if', 'try', 'module', 'import', 'include',
         'f', 'g', 'x', 'a::b', 'etl::to_int', 'to_int', 'map', 'select', 'empty', 'error',
         'first', 'limit', 'range', 'del', 'null', 'true', 'length', 'add', 'nosuch', 'env',
         'input', 'debug', 'now', 'recurse']
SIGNS = ['.', '..', '[', ']', '{', '}', '(', ')', ',', ';', ':', '::', '|', '?', '?//', '//', '//=',
         '=', '|=', '+=', '-=', '*=', '/=', '%=', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*',
         '/', '%', '$', '@', '@text', '"', '"\\(', '#', '#c\n', '\n', '\r', '\t', ' ', '\\', '!',
         '&', "'", '\x01', '\v', '\f', '\u00a0', '\u00e9']
PARTS = ['.a', '."a"', '.["a"]', '.[]', '[]', '{}', '$x', '$w', '$__loc__', '$ENV', '$if', '.if',
         '0', '1', '-1', '1.5', '.5', '1.', '007', '1e3', '1E-3', '0.0', '1.5.5', '1a',
         '"a"', '""', '"\\n"', '"\\u00e9"', '"\\ud800"', '"\\u12"', '"\\x"', '"\\\'"', '"\\(1)"',
         '"\t"', '"\n"', '"\\u0000"', '"\\(', ')"', 'def f: .;', 'def f(g): g;', 'def f($x): $x;',
         'def f(g): 1;', 'def null: 1;', 'def if: 1;', 'def a::b: 1;', 'def f(if): 1;', 'f(1)',
         'f(nosuch)', '. as $x |', '. as $if |', '. as [$x] |', '. as {a: $x} |', '. as $x::y |',
         'if . then 1 else 2 end', 'if . then 1 end', 'if . then 1 elif . then 2 else 3 end',
         'try .a', 'try .a catch .', 'try error', 'reduce .[] as $x (0; . + $x)',
         'foreach .[] as $x (0; . + $x)', 'foreach .[] as $x (0; .; $x)', '{a}', '{a: 1}', '{if: 1}',
         '{if}', '{$x}', '{$w}', '{"a"}', '{"a\\(1)": 2}', '{(1): 2}', '{("a"): 2}', '{a,}', '{,a}',
         '{(.a): 1}', '{(1, 2): 3}', '{(null): 1}', '{([]): 1}', '{(1 + 1): 1}', '{1: 2}',
         '{a: 1 | 2}', '{a: (1)?}', '{a: -1}', '{a: .b?}', '{a: 1, b: 2}', '{@text: 1}', '{$__loc__}',
         '1 / 0', '1 % 0', '. / 0', '0 / 0', '(1 / (1 - 1))', '1 / 3', '[1, 2] | .[0]', '.a?', '.a??',
         '.a?//1', '.a? // 1', '.[1:2]', '.[:1]', '.[:]', '.[1:]?', '.a.[0]', '.a."b"', '.a.b.c',
         'limit(1; .)', 'range(1; 2)', 'range(0; 1; 2)', 'first(.)', 'del(.a)', 'map(.)',
         'reject("a"; "b")', 'reject("a")', 'require(["a"])', 'to_timestamp("UTC")', 'etl::to_int',
         '-(1)', '- .a', '-.a as $x | $x', '.a = 1', '.a |= 1', '.a == 1', '1 == 1 == 1']
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\$?\w+(?:::\w+)*|\?//|//=|[!=<>|+*/%-]=|//|\.\.|\s+|.', re.S)


class Texts:
    def __init__(self, r):
        self.r = r

    def some(self):
        return self.r.choice(self.r.choice([WORDS, SIGNS, PARTS, PARTS]))

    def tokens(self):
        r = self.r
        return r.choice(['', ' ']).join(self.some() for _ in range(r.randrange(1, 9)))

    def valid(self):
        return Filters(self.r).filter()

    def mutated(self):
        r = self.r
        t = TOKEN.findall(self.valid())
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            i = r.randrange(len(t) + 1)
            k = r.randrange(6)
            if k == 0 and t:
                del t[min(i, len(t) - 1)]
            elif k == 1:
                t.insert(i, self.some())
            elif k == 2 and t:
                t[min(i, len(t) - 1)] = self.some()
            elif k == 3:
                j = r.randrange(len(t) + 1)
                t[i:i] = t[min(i, j):max(i, j)][:8]
            elif k == 4 and len(t) > 1:
                j = r.randrange(len(t) - 1)
                t[j], t[j + 1] = t[j + 1], t[j]
            else:
                t.insert(i, r.choice(['?', '(', ')', ' ', ';', ':', '|', '- ', '"', '$', '.']))
        return ''.join(t)

    def replaced(self):
        """A valid filter with another term in the place of one."""
        r = self.r
        t = TOKEN.findall(self.valid())
        at = [i for i, x in enumerate(t) if re.match(r'^(\$?\w+|"|\.)', x)]
        if at:
            t[r.choice(at)] = r.choice(['{}', '({})', '[{}]', '{{a: {}}}', '(1 | {})']).format(
                r.choice(PARTS))
        return ''.join(t)

    def combined(self):
        r = self.r
        form = r.choice(['{} | {}', '{}, {}', '[{}] | {}', '({}) | ({})', '{{a: {}, b: {}}}',
                         '{} // {}', '{} + {}', '{} - {}', '{} / {}', '{} % {}', '{} as $x | {}',
                         '.a = {} | {}', 'if {} then {} else 1 end', '{}{}', 'try {} catch {}',
                         'reduce {} as $x (0; {})', 'def f: {}; {}', 'def f(g): {}; {}',
                         'def f($x): {}; {}', '"\\({})\\({})"', '{{({}): {}}}', '.[{}:{}]',
                         '{}[{}]', '{} == {}', '{} and {}', '-{} * {}', '{}? // {}', '{}#{}\n'])
        return form.format(r.choice(PARTS), r.choice([r.choice(PARTS), self.valid()]))

    def text(self):
        return self.r.choice([self.tokens, self.valid, self.mutated, self.mutated,
                              self.replaced, self.combined, self.combined])().replace('\0', '')


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    texts = Texts(random.Random(seed))
    print(f'seed {seed}', file=sys.stderr)
    for _ in range(int(sys.argv[1])):
        sys.stdout.buffer.write(texts.text().encode() + b'\0')


if __name__ == '__main__':
    main()
