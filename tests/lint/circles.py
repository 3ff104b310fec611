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


def symbols(objects):
    """Returns {object file: (the names that it defines, those it uses)}."""
    found = {path: (set(), set()) for path in objects}
    if not objects:
        return found
    # -A puts the object's name before each symbol.
    lines = subprocess.run(['nm', '-A', *objects], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    for line in lines:
        path, symbol = line.split(':', 1)
        kind, name = symbol.split()[-2:]
        if kind == 'U':
            found[path][1].add(name)
        elif kind in 'BDRT':
            found[path][0].add(name)
    return found


def needs(build, folder):
    """Returns {file: the files of the folder that it needs}."""
    objects = {o: os.path.join(build, folder, o + '.o')
               for o in sources(folder)}
    found = symbols(list(objects.values()))
    home = {name: o for o in objects for name in found[objects[o]][0]}
    return {o: {home[name] for name in found[objects[o]][1]
                if name in home} - {o}
            for o in objects}


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
