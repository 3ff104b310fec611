"""Runs filters on records with both engines of etl-transform.

usage: cases.py CASES

Each line of CASES has fields with U+0001 between them: options of etl-transform,
filter, record, the wanted output or code of the reject, and the label of the
check.  A filter is started once for each engine and gets the records of all
cases, not only its own.  Prints lines for a shell test, with the same separator:
label, wanted, got.
"""
import json
import os
import subprocess
import sys

SEPARATOR = "\x01"
REJECTS = os.environ["SCRATCH"] + "/rejects"


def run(engine, options, text, records):
    """The exit status, standard output and error, and the rejects by the
    number of the record, which counts from 0."""
    if os.path.exists(REJECTS):
        os.unlink(REJECTS)
    done = subprocess.run(
        ["etl-transform", "--engine", engine, "--max-rejects", "100%",
         "--rejects", REJECTS, *options.split(), text],
        input="".join(r + "\n" for r in records).encode(),
        capture_output=True)
    rejects = {}
    if os.path.exists(REJECTS):
        with open(REJECTS) as lines:
            for line in lines:
                r = json.loads(line)
                rejects[r["origin"]["line"] - 1] = [
                    r["code"], r["message"], r.get("pointer", "null"),
                    r.get("raw")]
    return done.returncode, done.stdout.decode(), done.stderr.decode(), rejects


def results(ran, n):
    """What became of each record: its output, or the reject as CODE, or as
    CODE: MESSAGE [POINTER]."""
    outputs = ran[1].split("\n")[:-1]
    if len(outputs) + len(ran[3]) != n:
        return [["%d outputs, %d rejects of %d records" % (
            len(outputs), len(ran[3]), n)]] * n
    outputs = iter(outputs)
    return [[ran[3][k][0], "%s: %s [%s]" % tuple(ran[3][k][:3])]
            if k in ran[3] else [next(outputs)] for k in range(n)]


def compare_engines(by_libjq, options, text, records):
    by_native = run("auto", options, text, records)
    same = "the same" if by_libjq == by_native else "%s, not %s" % (
        by_native, by_libjq)
    print("%s %s: both engines give the same for all records" % (
        text, options), "the same", same.replace("\n", " ")[:2000],
        sep=SEPARATOR)


def main():
    with open(sys.argv[1]) as f:
        cases = [line.rstrip("\n").split(SEPARATOR) for line in f]
    records = [c[2] for c in cases]
    groups = {}
    for k, (options, text, _, _, _) in enumerate(cases):
        groups.setdefault((options, text), []).append(k)
    for (options, text), own in groups.items():
        by_libjq = run("jq", options, text, records)
        got = results(by_libjq, len(records))
        for k in own:
            _, _, _, wanted, label = cases[k]
            found = wanted if wanted in got[k] else got[k][-1]
            print(label, wanted, found, sep=SEPARATOR)
        compare_engines(by_libjq, options, text, records)
        if "--lossy-numbers" not in options:
            options += " --lossy-numbers"
            compare_engines(run("jq", options, text, records), options, text,
                            records)


main()
