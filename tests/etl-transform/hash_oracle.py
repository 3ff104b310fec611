#!/usr/bin/env python3
"""hash_oracle.py SEED ROUNDS: compares etl-transform --hash with an oracle.

Each round writes random records, each several times: with its members in
another order, its numbers in other spellings and its strings with other escapes.
The oracle writes RFC 8785 by hand: numbers by the repr() of a double, or with
all their digits if the double is another number.
"""
import hashlib
import json
import random
import subprocess
import sys
from decimal import Context, Decimal

seed, rounds = int(sys.argv[1]), int(sys.argv[2])
EXACT = Context(prec=400, Emax=10**6, Emin=-10**6)
NAMES = ["a", "b", "Z", "é", "\r", "€", "😀", "ﬀ", "", "a\"b", "long name"]
TEXTS = ["", "x", "é", "€", "😀", "\ufb33", "\u2028", "\"", "\\", "/", "\x7f",
         "\b", "\f", "\n", "\r", "\t", "\x00", "\x1f", "\U0010ffff"]


def number(value):
    """The text of a Decimal."""
    if value == 0:
        return "0"
    if Decimal(repr(float(value))) == value and abs(value) < 10**300:
        value = Decimal(repr(float(value)))
    sign, digits, exponent = EXACT.plus(value).normalize(EXACT).as_tuple()
    digits = "".join(map(str, digits))
    k, n = len(digits), len(digits) + exponent
    if k <= n <= 21:
        text = digits + "0" * (n - k)
    elif 0 < n <= 21:
        text = digits[:n] + "." + digits[n:]
    elif -6 < n <= 0:
        text = "0." + "0" * -n + digits
    else:
        text = digits[0] + ("." + digits[1:] if k > 1 else "") + \
            "e%+d" % (n - 1)
    return "-" * sign + text


def string(text):
    return json.dumps(text, ensure_ascii=False)


def canonical(value):
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda n: n.encode("utf-16-be"))
        return "{" + ",".join(string(n) + ":" + canonical(value[n])
                              for n in names) + "}"
    return string(value) if isinstance(value, str) else json.dumps(value)


def random_number(rng):
    return rng.choice([
        lambda: Decimal(rng.randrange(-20, 20)),
        lambda: Decimal(repr(rng.uniform(-1, 1) * 10**rng.randrange(-30, 30))),
        lambda: Decimal(rng.randrange(-10**25, 10**25)),
        lambda: Decimal(rng.choice([2**53, 2**53 + 1, 2**63, 10**21])),
        lambda: Decimal(rng.randrange(10**20)).scaleb(
            rng.randrange(-350, 350), EXACT)])()


def random_value(rng, depth=3):
    kind = rng.randrange(7 if depth else 5)
    if kind < 2:
        return random_number(rng)
    if kind < 4:
        return "".join(rng.choice(TEXTS) for _ in range(rng.randrange(4)))
    if kind == 4:
        return rng.choice([None, True, False])
    if kind == 5:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {n: random_value(rng, depth - 1)
            for n in rng.sample(NAMES, rng.randrange(5))}


def spell_number(rng, value):
    sign, digits, exponent = value.as_tuple()
    digits = "".join(map(str, digits))
    for _ in range(rng.randrange(3)):
        digits, exponent = digits + "0", exponent - 1
    text = "-" * sign
    if -30 < exponent <= 0 and rng.random() < .7:
        digits = digits.rjust(1 - exponent, "0")
        whole = digits[:len(digits) + exponent].lstrip("0") or "0"
        rest = digits[len(digits) + exponent:]
        return text + whole + ("." + rest if rest else "")
    digits = digits.lstrip("0") or "0"
    point = rng.randrange(1, len(digits) + 1) if digits[0] != "0" else 1
    exponent += len(digits) - point
    text += digits[:point] + ("." + digits[point:]
                              if digits[point:] else "")
    if exponent == 0 and rng.random() < .5:
        return text
    return text + rng.choice("eE") + rng.choice(
        ["%d", "%+d", "%+04d"]) % exponent


def spell_string(rng, text):
    if rng.random() < .5:
        return json.dumps(text, ensure_ascii=rng.random() < .5)
    units = text.encode("utf-16-be")
    return '"' + "".join("\\u" + units[i:i + 2].hex()
                         for i in range(0, len(units), 2)) + '"'


def spell(rng, value):
    """One of the texts of a value."""
    blank = rng.choice(["", "", " "])
    if isinstance(value, Decimal):
        return spell_number(rng, value)
    if isinstance(value, str):
        return spell_string(rng, value)
    if isinstance(value, list):
        return "[" + ("," + blank).join(spell(rng, v) for v in value) + "]"
    if isinstance(value, dict):
        members = [spell_string(rng, n) + ":" + blank + spell(rng, v)
                   for n, v in value.items()]
        rng.shuffle(members)
        return "{" + blank + ",".join(members) + "}"
    return json.dumps(value)


def run(rng):
    columns = rng.sample([n for n in NAMES if n], rng.randrange(1, 6))
    lines, want = [], []
    for _ in range(100):
        value = {n: random_value(rng) for n in NAMES if rng.random() < .6}
        value[columns[0]] = random_value(rng)
        chosen = {n: v for n, v in value.items() if n in columns}
        text = canonical(chosen).encode()
        for _ in range(3):
            lines.append(spell(rng, value))
            want.append(hashlib.sha256(text).hexdigest())
    stdin = "".join(line + "\n" for line in lines)
    command = ["etl-transform", "--hash", ", ".join(columns), "--hash-as", "h"]
    for more in [], ["."]:
        p = subprocess.run(command + more, input=stdin, encoding="utf-8",
                           stdout=subprocess.PIPE, check=False, timeout=60)
        got = [json.loads(line)["h"] for line in p.stdout.split("\n")[:-1]]
        if got != want:
            wrong = [pair for pair in zip(lines, want, got)
                     if pair[1] != pair[2]]
            sys.exit("%s: exit %d, %d of %d hashes, wrong: %s" % (
                command + more, p.returncode, len(got), len(want), wrong[:1]))


for i in range(seed, seed + rounds):
    run(random.Random(i))
