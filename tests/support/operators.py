"""Finds operators in statements of PostgreSQL that another role can replace.

PostgreSQL looks for an operator that has exactly the types of its operands, in
all schemas of the search_path, before it converts an operand.  So an operator
without its schema is safe only if pg_catalog has one for exactly these types: else
a role that may create operators in another schema of the path has one that fits
better.  What the server has chosen stands in the parse tree of the statement.

operators.py FILE.sql...: prepares each statement of the files and prints what it
    finds.  The database that PGDATABASE names has the control tables.
operators.py --log DATABASE: reads the log of the server from stdin, and checks the
    statements that sessions of DATABASE have run with debug_print_parse.  The log
    may have gigabytes: only one entry of it is in memory at a time.
"""
import hashlib
import re
import sys

import psycopg2

TYPE_MEMBERS = {
    'VAR': 'vartype', 'CONST': 'consttype', 'PARAM': 'paramtype',
    'FUNCEXPR': 'funcresulttype', 'OPEXPR': 'opresulttype',
    'DISTINCTEXPR': 'opresulttype', 'NULLIFEXPR': 'opresulttype',
    'AGGREF': 'aggtype', 'WINDOWFUNC': 'wintype', 'CASE': 'casetype',
    'CASEEXPR': 'casetype', 'COALESCE': 'coalescetype',
    'COALESCEEXPR': 'coalescetype', 'MINMAX': 'minmaxtype',
    'MINMAXEXPR': 'minmaxtype', 'ARRAY': 'array_typeid',
    'ARRAYEXPR': 'array_typeid', 'ROW': 'row_typeid', 'ROWEXPR': 'row_typeid',
    'SQLVALUEFUNCTION': 'type', 'CASETESTEXPR': 'typeId',
    'SUBSCRIPTINGREF': 'refrestype', 'SETTODEFAULT': 'typeId',
    'NEXTVALUEEXPR': 'typeId',
}
BOOLEAN = {'BOOLEXPR', 'NULLTEST', 'BOOLEANTEST', 'SCALARARRAYOPEXPR',
           'ROWCOMPARE', 'ROWCOMPAREEXPR', 'GROUPINGFUNC'}
# Nodes that convert a value say in one of these whether the statement asked for it.
FORMATS = ('relabelformat', 'coerceformat', 'funcformat', 'coercionformat',
           'convertformat')
IMPLICIT = '2'
WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[{}()\[\]]|(?:\\.|[^\s{}()\[\]\\])+)',
                  re.S)


class Tree:
    """A node of a parse tree: its name and its members by their names."""

    def __init__(self, name):
        self.name = name
        self.members = {}

    def get(self, name, other=None):
        return self.members.get(name, other)


def value(source, word):
    """Reads the value that begins with this word: a node, a list or a text."""
    if word == '{':
        tree = Tree(next(source))
        name = None
        for word in source:
            if word == '}':
                return tree
            if word.startswith(':') and len(word) > 1:
                name = word[1:]
                continue
            tree.members.setdefault(name, value(source, word))
    if word in '([':
        return [value(source, word) for word in iter(lambda: next(source),
                                                     ')' if word == '(' else ']')]
    return word


def nodes(item):
    """All nodes of a tree, with itself."""
    if isinstance(item, list):
        for part in item:
            yield from nodes(part)
    elif isinstance(item, Tree):
        yield item
        for part in item.members.values():
            yield from nodes(part)


class Server:
    """What the catalog says about operators and types."""

    def __init__(self):
        self.session = psycopg2.connect(options='-c search_path=pg_catalog')
        self.session.autocommit = True
        self.cursor = self.session.cursor()
        self.operators = {number: (name, left, right, schema)
                          for number, name, left, right, schema in self.rows(
                              'SELECT o.oid, oprname, oprleft, oprright, nspname '
                              'FROM pg_operator AS o JOIN pg_namespace AS n '
                              'ON n.oid = oprnamespace')}
        self.types = dict(self.rows('SELECT oid, typname FROM pg_type'))
        self.arrays = dict(self.rows('SELECT oid, typarray FROM pg_type'))
        self.elements = dict(self.rows('SELECT oid, typelem FROM pg_type '
                                       'WHERE typlen = -1'))

    def rows(self, statement):
        self.cursor.execute(statement)
        return self.cursor.fetchall()

    def type_of(self, node):
        """The type of an expression, None if this program does not know it."""
        if node.name in BOOLEAN:
            return 16
        if node.name == 'SUBLINK':
            return self.type_of_subquery(node)
        if node.name == 'COLLATEEXPR':
            return self.type_of(node.get('arg'))
        member = TYPE_MEMBERS.get(node.name, 'resulttype')
        return int(node.get(member)) if node.get(member) else None

    def type_of_subquery(self, node):
        if node.get('subLinkType') not in ('4', '6'):   # EXPR, ARRAY
            return 16
        first = node.get('subselect').get('targetList')[0].get('expr')
        result = self.type_of(first)
        return self.arrays[result] if node.get('subLinkType') == '6' else result

    def type_names(self, *numbers):
        return [self.types.get(n, 'none') for n in numbers]


def without_conversion(node):
    """The expression before the server converted it by itself."""
    while any(node.get(member) == IMPLICIT for member in FORMATS):
        node = node.get('arg') or node.get('args')[0]
    return node


def location(node):
    return int(node.get('location', -1))


def is_unknown(node, text):
    """Whether the operand is a literal or a parameter that has no type of its own."""
    place = location(node)
    if node.name not in ('CONST', 'PARAM') or place < 0:
        return node.name == 'CONST' and place < 0
    if re.search(rb'\b(interval|timestamp|date|time) *$', text[:place], re.I):
        return False
    literal = re.match(rb"\$\d+|[eE]?'(?:[^']|'')*'|NULL\b", text[place:], re.I)
    return literal is not None and not text[
        place + literal.end():].lstrip().startswith(b'::')


def finding(server, node, text):
    """What is wrong with the operator of this node, or None."""
    place = location(node)
    name, left, right, schema = server.operators[int(node.get('opno'))]
    operands = node.get('args')
    if place >= 0 and text[place:].upper().startswith(b'OPERATOR'):
        return None
    if len(operands) == 1:
        operands = [None] + operands
    found = []
    for operand in operands:
        if operand is None:
            found.append(0)
            continue
        operand = without_conversion(operand)
        kind = server.type_of(operand)
        if kind is None:
            return f'{name}: the type of {operand.name} is not known here'
        found.append(kind)
    if node.name == 'SCALARARRAYOPEXPR':
        whole = without_conversion(operands[1])
        if whole.name in ('ARRAY', 'ARRAYEXPR'):
            found[1] = int(whole.get('element_typeid'))
        else:
            found[1] = server.elements.get(found[1], 0)
    # A literal without a type has first that of the other operand.
    for this, other in ((0, 1), (1, 0)):
        operand = operands[this]
        if operand is not None and is_unknown(without_conversion(operand), text):
            found[this] = found[other]
    if schema == 'pg_catalog' and found == [left, right]:
        return None
    return (f'{" ".join(server.type_names(found[0]))} {name} '
            f'{server.types.get(found[1])}, taken from {schema}: '
            f'{" ".join(server.type_names(left, right))}')


def findings(server, tree, text):
    """The findings in a parse tree; text has the bytes of the statement."""
    for node in nodes(tree):
        parts = []
        if node.name in ('OPEXPR', 'SCALARARRAYOPEXPR', 'DISTINCTEXPR',
                         'NULLIFEXPR'):
            parts = [node]
        elif node.name in ('ROWCOMPARE', 'ROWCOMPAREEXPR'):
            for number, left, right in zip(node.get('opnos')[1:],
                                           node.get('largs'), node.get('rargs')):
                part = Tree('OPEXPR')
                part.members = {'opno': number, 'args': [left, right],
                                'location': location(left)}
                parts.append(part)
        for part in parts:
            wrong = finding(server, part, text)
            if wrong:
                place = max(location(part), 0)
                near = text[max(place - 30, 0):place + 40].decode(errors='replace')
                yield f'{wrong}: {" ".join(near.split())}'


def statements(path):
    """Yields name and text of each statement of a file of sql/postgresql."""
    name = None
    parts = []
    for line in open(path, encoding='utf-8').read().splitlines() + ['-- name: ']:
        if line.startswith('-- name: '):
            if name:
                yield name, '\n'.join(parts)
            name, parts = line[9:].strip(), []
        elif not line.lstrip().startswith('--'):
            parts.append(line)


def pieces(text):
    """The statements of a text, which are separated by semicolons."""
    part = r"(?:[^';$]|'(?:[^']|'')*'|\$\$.*?\$\$|\$)+"
    return [p.strip() for p in re.findall(part, text, re.S) if p.strip()]


def prepared(server, paths):
    """Prepares each statement: yields its place, and the bytes of its parse tree
    and of its text."""
    c = server.cursor
    c.execute('SET client_min_messages = log; SET debug_pretty_print = off')
    every = [(path, name, text) for path in paths
             for name, whole in statements(path)
             for text in pieces(whole.replace('{schema}', 'public')
                                .replace('{local}', 'true'))]
    c.execute('CREATE TEMPORARY TABLE etl_load_images (key text, before text, '
              'after text)')
    for path, name, text in every:
        if text.startswith('CREATE TEMPORARY'):
            c.execute(text)
    for path, name, text in every:
        if text.split(None, 1)[0] not in ('SELECT', 'INSERT', 'UPDATE',
                                          'DELETE', 'WITH', 'VALUES'):
            continue        # the expressions in CREATE TABLE are read below
        text = f'PREPARE etl AS {text}'
        del server.session.notices[:]
        c.execute('SET debug_print_parse = on')
        try:
            c.execute(text)
        except psycopg2.Error as e:
            print(f'{path}: {name}: {e}')
        for message in server.session.notices:
            if 'parse tree:' in message:
                yield (f'{path}: {name}', message.split('DETAIL:', 1)[1].encode(),
                       text.encode())
        c.execute('SET debug_print_parse = off; DEALLOCATE ALL')
    for place, tree in server.rows(
            """SELECT conrelid::regclass || '.' || conname, conbin::text
            FROM pg_constraint WHERE conbin IS NOT NULL
            AND connamespace <> 'information_schema'::regnamespace
            UNION ALL SELECT adrelid::regclass || '.' || adnum, adbin::text
            FROM pg_attrdef UNION ALL SELECT indexrelid::regclass::text,
            concat('(', indexprs, indpred, ')') FROM pg_index"""):
        yield place, tree.encode(), b''


def entries(log, database):
    """Yields the label and the text of each entry that a session of a database has
    written to the log.  All lines of an entry but its first begin with a tab."""
    label, parts = None, []
    for line in log:
        if line.startswith(b'\t'):
            if label:
                parts.append(line[1:])
            continue
        if label:
            yield label, b''.join(parts).rstrip(b'\n')
        head = re.match(rb'\S.*?@(\S+) (\w+): +', line)
        label = head[2] if head and head[1] == database else None
        parts = [line[head.end():]] if label else []
    if label:
        yield label, b''.join(parts).rstrip(b'\n')


def logged(log, database):
    """Yields the same as prepared() for the statements of a database in the log."""
    tree = inner = None
    for label, text in entries(log, database):
        if label == b'LOG':
            tree, inner = None, None
        elif label == b'DETAIL' and text.startswith(b'{'):
            tree = text
        elif label == b'CONTEXT':
            # a statement of a function or of a foreign key
            found = re.match(rb'(?:SQL statement|SQL expression|PL/pgSQL '
                             rb'assignment) "(.*?)"(?:\n\S+ function .*)?\Z', text,
                             re.S)
            inner = found and found[1]
        elif label == b'STATEMENT' and tree:
            yield 'log', tree, inner or text
            tree = None


def main():
    server = Server()
    in_log = sys.argv[1] == '--log'
    if in_log:
        source = logged(sys.stdin.buffer, sys.argv[2].encode())
    else:
        source = prepared(server, sys.argv[1:])
    found, seen = {}, set()
    for place, tree, text in source:
        digest = hashlib.sha256(b'%d %b%b' % (len(tree), tree, text)).digest()
        if digest in seen:
            continue
        seen.add(digest)
        words = iter(WORD.findall(tree.decode(errors='replace')))
        for line in findings(server, value(words, next(words)), text):
            found.setdefault(f'{place}: {line}')
    for line in found:
        print(line)
    if in_log:
        print(f'{len(seen)} statements', file=sys.stderr)


if __name__ == '__main__':
    main()
