#!/usr/bin/env python3
"""crowd.py KIND MODE SECONDS SEED: many at once, at random, on one database.

Four do at random what people and timers do: load the next increment, whole, cut
or slowly; load a saved stream again, or two; replay letters with some records
mended; close, erase and purge letters; move the checkpoint's version; inside
etl-run or not; all of them killed, stopped or cut off from the server.  Then
one undisturbed load takes the rest, and each record must be there once: as a
row, or as one open occurrence of a letter.  Prints what is not.
"""
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback

KIND, MODE, SECONDS, SEED = sys.argv[1:5]
SCRATCH, RECORDS = os.environ["SCRATCH"], 2000
PG = KIND == "postgresql"
NAME = "crowd_%s_%d" % (MODE, os.getpid())
PATH = "%s/%s" % (SCRATCH, NAME)
URL = "postgresql:///" + NAME if PG else "sqlite:" + PATH
RAW = "convert_from(raw, 'UTF8')" if PG else "CAST(raw AS TEXT)"
KEYED = MODE != "append"
FATE = random.Random(int(SEED)).choices(["good", "early", "late"],
                                        [80, 8, 12], k=RECORDS + 1)
wrong, saved, by_hand = [], [], []


def connect():
    if not PG:
        return sqlite3.connect(PATH, timeout=30, isolation_level=None)
    import psycopg2
    connection = psycopg2.connect(dbname=NAME, application_name="crowd")
    connection.autocommit = True
    return connection


def ask(sql):
    connection = connect()
    try:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def checkpoint():
    rows = ask("SELECT value, version FROM etl_checkpoints WHERE name = 'c'")
    return rows[0] if rows else (None, 0)


def record(i):
    return '{"id":%d,"n":%s}' % (i, i if FATE[i] == "good" else '"x"')


def increment(rng, most):
    """A stream of what comes after the checkpoint."""
    value, version = checkpoint()
    name, first = "%x" % rng.getrandbits(60), int(value or 0) + 1
    last, often = min(RECORDS, first + most), rng.choice([.05, .2, .6])
    out = rejected = seq = 0

    def mark(members):
        return '{"@etl":%s,"stages":[{"stage":"extract","in":0,"out":%d,' \
            '"dropped":0,"rejected":%d}]}' % (members, out, rejected)

    lines = ['{"@etl":"begin","v":1,"id":"%s","checkpoint":"c","stages":'
             '["extract"]}' % name]
    for i in range(first, last + 1):
        if FATE[i] == "early":
            rejected += 1
            lines.append(json.dumps({
                "@etl": "reject", "v": 1, "id": "%064x" % i, "occurrence":
                "%s/extract.X/%d" % (name, rejected), "stage": "extract",
                "code": "parse", "message": "no", "raw": record(i),
                "at": "2026-05-30T12:00:00Z"}))
        else:
            out += 1
            lines.append(record(i))
        if i == last or rng.random() < often:
            seq += rng.choice([1, 1, 3])
            lines.append(mark(
                '"checkpoint","name":"c","seq":%d,"from":%s,"version":%d,'
                '"value":"%d"' % (seq, json.dumps(value), version, i)))
    lines.append(mark('"end","seq":%d' % seq if seq else '"end"'))
    return "\n".join(lines) + "\n"


def cut(rng, text):
    """Somewhere behind its first line."""
    return text[:rng.randrange(text.index("\n") + 1, len(text) + 1)]


def feed(process, text, pieces):
    try:
        for at in range(0, len(text), len(text) // pieces + 1):
            process.stdin.write(text[at:at + len(text) // pieces + 1])
            process.stdin.flush()
            if pieces > 1:
                time.sleep(.02)
    except OSError:
        pass
    try:
        process.stdin.close()
    except OSError:
        pass


def disturb(rng, process):
    time.sleep(rng.random() * rng.choice([.05, .3]))
    how = rng.choice(["KILL", "TERM", "INT", "STOP", "one"])
    try:
        if how == "one":
            process.kill()
        else:
            os.killpg(process.pid, signal.Signals["SIG" + how])
        if how == "STOP":
            time.sleep(rng.random() * .3)
            os.killpg(process.pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def load(rng, text, calm=False):
    argv = ["etl-load", "--db", URL, "--table", "t", "--mode", MODE,
            "--batch", str(rng.choice([1, 5, 20, 10000])), "--flush",
            rng.choice(["1ms", "20ms", "1s"]), "--max-rejects", "100%",
            "--backoff", "1ms..20ms", "--retries", rng.choice("015")]
    argv += ["--key", "id"] if KEYED else []
    argv += ["--single-transaction"] if rng.random() < .15 else []
    if rng.random() < .15 and not calm:
        argv = ["etl-run", "--name", rng.choice("pqr"), "--db", URL,
                "--retries", "0", "-c", "cat | " + " ".join(argv)]
    words = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True,
                               stderr=words, start_new_session=True)
    feeder = threading.Thread(target=feed, args=(
        process, text, 1 if calm else rng.choice([1, 1, 4, 10])))
    feeder.start()
    if rng.random() < .4 and not calm:
        disturb(rng, process)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        wrong.append("%s: hangs" % argv)
        os.killpg(process.pid, signal.SIGKILL)
    feeder.join()
    words.seek(0)
    if process.returncode not in (0, 75, -2, -9, -15):
        wrong.append("%s: exit %d: %s" % (argv, process.returncode,
                                          words.read()))
    words.close()


def dlq(*argv):
    done = subprocess.run(("etl-dlq", argv[0], "--db", URL) + argv[1:],
                          capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 1, 75):
        wrong.append("etl-dlq %s: %s" % (argv, done.stderr))
    return done.stdout


def mended(rng, line):
    """A line of a replay; often the bytes of its record are corrected."""
    if rng.random() < .3 or line.startswith('{"@etl":"resolve"'):
        return line
    if not line.startswith('{"@etl"'):
        return record_mended(json.loads(line)["id"])
    mark = json.loads(line)
    if "raw" in mark:
        mark["raw"] = record_mended(json.loads(mark["raw"])["id"]).rstrip()
    return json.dumps(mark, separators=(",", ":")) + "\n"


def read_by_extract(text):
    """The records of a replay whose letters are of the stage extract."""
    done = subprocess.run(("etl-extract", "--max-rejects", "100%", "-"),
                          input=text, capture_output=True, text=True,
                          timeout=60)
    if done.returncode not in (0, 75):
        wrong.append("etl-extract: %d: %s" % (done.returncode, done.stderr))
    return done.stdout


def replay(rng):
    stage = rng.choice(["load", "extract"])
    text = dlq("replay", "--stage", stage,
               "--pipeline", rng.choice(["", "", "p", "q", "r"]),
               "--target", rng.choice(["", "t"]))
    text = "".join(mended(rng, line) for line in text.splitlines(True))
    if text and stage == "extract":
        text = read_by_extract(text)
    if text:
        saved.append(text)
        load(rng, cut(rng, text) if rng.random() < .3 else text)


def record_mended(i):
    return '{"id":%d,"n":%d}\n' % (i, i)


def close_letter(rng):
    rows = ask("SELECT reject_id FROM dead_letters WHERE status = 'open'")
    if rows:
        how = rng.choice(["discard", "resolve", "erase"])
        by_hand.append(how)
        dlq(how, rng.choice(rows)[0])


def step(rng):
    at = rng.random()
    if at < .45:
        text = increment(rng, rng.choice([1, 5, 30, 100]))
        saved.append(text)
        load(rng, cut(rng, text) if rng.random() < .3 else text)
    elif at < .6 and saved:
        load(rng, rng.choice(saved[-6:]))
    elif at < .66 and saved:
        load(rng, rng.choice(saved[-6:]) + rng.choice(saved[-6:]))
    elif at < .85:
        replay(rng)
    elif at < .89:
        ask("UPDATE etl_checkpoints SET version = version + 1")
    elif at < .93:
        close_letter(rng)
    elif at < .96:
        dlq("purge", "--older-than", "1ms")
    elif PG:
        ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND application_name LIKE 'etl%' "
            "AND random() < .5")


def actor(number, until):
    rng = random.Random("%s %d" % (SEED, number))
    while time.monotonic() < until:
        try:
            step(rng)
        except Exception:
            wrong.append(traceback.format_exc())


def check():
    rows = ask("SELECT id FROM t")
    present = {i for i, in rows}
    if len(rows) != len(present):
        wrong.append("rows twice")
    owed, known = {}, set()
    for raw, attempts, upto, status, times in ask(
            "SELECT %s, attempts, resolved_upto, status, (SELECT count(*) "
            "FROM dead_letter_attempts AS a WHERE a.dead_letter_id = d.id) "
            "FROM dead_letters AS d" % RAW):
        if times != attempts or (status == "open") != (attempts > upto):
            wrong.append("letter of %s: %d times, %d attempts, %d, %s" % (
                raw, times, attempts, upto, status))
        if raw:
            i = json.loads(raw)["id"]
            owed[i] = owed.get(i, 0) + attempts - upto
            known.add(i)
    for i in range(1, RECORDS + 1):
        if (i in present) + owed.get(i, 0) > 1:
            wrong.append("%d: a row: %s, open: %d" % (i, i in present,
                                                      owed.get(i, 0)))
    missing = [i for i in range(1, RECORDS + 1)
               if i not in present and not owed.get(i)]
    if len(missing) > len(by_hand) or any(FATE[i] == "good" for i in missing):
        wrong.append("lost: %s, of which %d were closed by hand" % (
            missing, len(by_hand)))
    return len(present), len(known)


def main():
    if PG:
        subprocess.run(["createdb", NAME], check=True)
    ask("CREATE TABLE t (id int%s, n int)" % (" PRIMARY KEY" if KEYED
                                               else ""))
    rng = random.Random(SEED)
    subprocess.run(["etl-dlq", "put", "--db", URL], input=b"", check=True,
                   stdout=subprocess.DEVNULL)
    until = time.monotonic() + float(SECONDS)
    actors = [threading.Thread(target=actor, args=(n, until))
              for n in range(4)]
    for one in actors:
        one.start()
    for one in actors:
        one.join()
    middle = checkpoint()
    for _ in range(20):
        if checkpoint()[0] != str(RECORDS):
            load(rng, increment(rng, RECORDS), calm=True)
    rows, letters = check()
    for one in wrong[:20]:
        print(one[:1000])
    print("%s, %s: %d streams, checkpoint %s in the middle, %d rows, %d "
          "letters, %d by hand, %d wrong, seed %s" % (
              KIND, MODE, len(saved), middle, rows, letters, len(by_hand),
              len(wrong), SEED))
    if PG:
        subprocess.run(["dropdb", "-f", NAME], check=True)
    sys.exit(bool(wrong))


main()
