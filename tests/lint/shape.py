#!/usr/bin/env python3
"""Prints how the code below src and lib is cut into files and functions, as
lines "NUMBER NAME". A lower number is better (tests/lint/shape.t).

usage: shape.py [TOP]   reads TOP/src and TOP/lib; needs universal-ctags
"""
import collections
import json
import os
import re
import subprocess
import sys

QUIET = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
WORD = re.compile(r'[A-Za-z_]\w*')
JOINED = re.compile(r'_(and|or|if|unless|until|without|but)_')
SMALL = 12              # lines of a body
SMALL_FILE = 150        # lines of a file
LONG_NAME = 24          # characters


def blanked(text):
    """Returns the text with blanks for comments and literals."""
    def blank(match):
        quiet = match.group()
        inside = re.sub(r'[^\n]', ' ', quiet[1:-1])
        ends = ' ' if quiet[0] == '/' else quiet[0]
        return ends + inside + ends
    return QUIET.sub(blank, text)


def read_files():
    """Returns {path: text} of all C files."""
    return {os.path.join(folder, name): open(os.path.join(folder, name),
                                             encoding='utf8').read()
            for top in ('src', 'lib') for folder, _, names in os.walk(top)
            for name in sorted(names) if name.endswith(('.c', '.h'))}


def read_tags(paths):
    """Returns (functions, {name: places of its prototypes})."""
    output = subprocess.run(
        ['ctags', '--languages=C', '--kinds-C=fp', '--fields=+neS',
         '--output-format=json', '-f', '-', *paths],
        capture_output=True, text=True, check=True).stdout
    functions, prototypes = [], collections.defaultdict(set)
    for tag in map(json.loads, output.splitlines()):
        if tag['kind'] == 'function' and 'end' in tag:
            functions.append(tag)
        elif tag['kind'] == 'prototype':
            prototypes[tag['name']].add((tag['path'], tag['line']))
    return functions, prototypes


def find_uses(code):
    """Returns {word: places in .c files, but for lines such as #include}."""
    uses = collections.defaultdict(list)
    for path, text in code.items():
        for number, line in enumerate(text.split('\n'), 1):
            if path.endswith('.c') and not line.startswith('#'):
                for word in WORD.findall(line):
                    uses[word].append((path, number))
    return uses


def body_of(function, code):
    """Returns the lines of the body that are not empty."""
    lines = code[function['path']].split('\n')
    lines = lines[function['line'] - 1:function['end']]
    start = next((i for i, line in enumerate(lines) if '{' in line), 0)
    return [line for line in lines[start + 1:-1] if line.strip()]


def only_forwards(body):
    """True if the body is one call, after at most a few declarations."""
    text = ' '.join(body)
    casts = [line for line in body
             if re.match(r'\s*(const )?struct \w+ \*\w+ = \w+;', line)]
    return (len(body) <= 4 and text.count(';') - len(casts) == 1 and
            re.search(r'\w\(.*\)\s*;\s*$', text) is not None)


def count_functions(code):
    """Yields (name, number) for what is counted in functions."""
    functions, prototypes = read_tags(list(code))
    uses = find_uses(code)
    once = forwards = 0
    users = collections.defaultdict(set)
    for function in functions:
        path, name = function['path'], function['name']
        body = body_of(function, code)
        forwards += only_forwards(body)
        used = [u for u in uses[name]
                if u != (path, function['line']) and u not in prototypes[name]]
        if function.get('file'):
            used = [u for u in used if u[0] == path]
            once += len(used) == 1 and len(body) < SMALL
        else:
            users[path] |= {u[0] for u in used} - {path}
    yield 'small static functions that are called once', once
    yield 'functions that only forward', forwards
    yield 'small .c files with one user', sum(
        len(users[path]) == 1 and text.count('\n') < SMALL_FILE
        for path, text in code.items() if path.endswith('.c'))
    names = [function['name'] for function in functions]
    yield 'long names of functions', sum(len(n) > LONG_NAME for n in names)
    yield 'names that join two with a word', sum(
        JOINED.search(n) is not None for n in names)


def part_of(path):
    """Returns the program or lib, whose headers are included by their path
    below it."""
    return 'lib' if path.startswith('lib/') else '/'.join(path.split('/')[:2])


def includes_of(path, files):
    """Returns the files that the file includes, without its own header."""
    found = set()
    for name in re.findall(r'(?m)^#include "([^"]+)"', files[path]):
        for folder in (os.path.dirname(path), 'lib', part_of(path)):
            other = os.path.normpath(os.path.join(folder, name))
            if other in files and other[:-2] != path[:-2]:
                found.add(other)
                break
    return found


def in_circles(graph):
    """Returns the nodes from which a way leads back to them."""
    def reaches(start):
        seen, todo = set(), list(graph[start])
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += graph[node]
        return start in seen
    return sum(reaches(node) for node in list(graph))


def count_includes(files):
    """Yields (name, number) for what is counted in includes. A header and its
    .c file are one file; the includes of lib in a program are no way back."""
    includes = {path: includes_of(path, files) for path in files}
    users = collections.Counter(o for others in includes.values()
                                for o in others)
    yield 'headers that one other file includes', sum(
        users[path] <= 1 for path in files if path.endswith('.h'))
    for what, key in (('files', lambda path: path[:-2]),
                      ('folders', os.path.dirname)):
        graph = collections.defaultdict(set)
        for path, others in includes.items():
            graph[key(path)] |= {key(o) for o in others
                                 if part_of(o) == part_of(path)} - {key(path)}
        yield f'{what} in a circle of includes', in_circles(graph)


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else '.')
    files = read_files()
    counts = {}
    code = {path: blanked(text) for path, text in files.items()}
    counts.update(count_functions(code))
    counts.update(count_includes(files))
    for name, number in counts.items():
        print(number, name)


main()
