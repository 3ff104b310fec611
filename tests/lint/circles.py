#!/usr/bin/env python3
"""Prints the C files of FOLDER that need each other in a circle, and the folders
in it that do. A file needs another one if its object file in BUILD uses a symbol
that the other defines.

usage: circles.py BUILD FOLDER ...
"""
import os
import subprocess
import sys


def sources(folder):
    """Yields the C files of the folder, relative to it, without suffix."""
    for path, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith('.c'):
                yield os.path.relpath(os.path.join(path, name[:-2]), folder)


def symbols(path):
    """Returns the names that an object file defines and those it uses."""
    defined, used = set(), set()
    lines = subprocess.run(['nm', path], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for line in lines:
        kind, name = line.split()[-2:]
        if kind == 'U':
            used.add(name)
        elif kind in 'BDRT':
            defined.add(name)
    return defined, used


def needs(build, folder):
    """Returns {file: the files of the folder that it needs}."""
    found = {o: symbols(os.path.join(build, folder, o + '.o'))
             for o in sources(folder)}
    home = {name: o for o in found for name in found[o][0]}
    return {o: {home[name] for name in found[o][1] if name in home} - {o}
            for o in found}


def reached(graph, start):
    """Returns all that start needs, directly or through others."""
    seen, todo = set(), list(graph[start])
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += graph[one]
    return seen


def by_folder(graph):
    """Returns {folder: folders it needs}; files at the top are left out."""
    folders = {}
    for o in graph:
        here = os.path.dirname(o)
        if here:
            folders.setdefault(here, set()).update(
                os.path.dirname(x) for x in graph[o]
                if os.path.dirname(x) not in ('', here))
    return folders


def main():
    build = sys.argv[1]
    for folder in sys.argv[2:]:
        files = needs(build, folder)
        for graph in (files, by_folder(files)):
            circle = [x for x in sorted(graph) if x in reached(graph, x)]
            if circle:
                print(f'{folder}: in a circle: {" ".join(circle)}')


main()
