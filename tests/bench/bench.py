#!/usr/bin/env python3
"""Runs each stage in pairs (peer, ours) and prints medians and ratios.

run.sh calls it after it has made the data, the database and the mock API.
"""
import datetime
import os
import platform
import statistics
import subprocess
import sys

ENV = os.environ
ROWS = int(ENV["ROWS"])
PAIRS = int(ENV.get("PAIRS", "3"))
DATA, SCRATCH = ENV["BENCH_DATA"], ENV["BENCH_SCRATCH"]
DB, API = ENV["DATABASE_URL"], ENV["API_BASE_URL"]
MEASURE = ENV["BENCH_BUILD"] + "/tests/measure"
HERE = os.path.dirname(os.path.abspath(__file__))
ONE = min(os.sched_getaffinity(0))
POSTS = "%s/posts-%d.ndjson" % (DATA, ROWS)
FEW_POSTS = "%s/posts-%d.ndjson" % (DATA, ROWS // 10)
FEW_POSTS_ARRAY = "%s/posts-%d.json" % (DATA, ROWS // 10)
LOADED = "%s/rows-%d" % (DATA, ROWS)
EVENTS = "%s/events-%d" % (DATA, ROWS)
CHANGES = "%s/changes-%d" % (DATA, ROWS)
SHUFFLED = EVENTS + "-shuffled"
SQLITE = SCRATCH + "/bench.db"
CSV_FILES, CSV_ROWS = 20, ROWS // 50    # in each of the files
CSV_DIR = "%s/csv-%d" % (DATA, CSV_ROWS)
LARGE = "%s/large-%d.json" % (DATA, ROWS)
KEY = "user_id,post_id,activity_type"
COLUMNS = KEY + ",title,body,word_count,extracted_at"
LOAD = ("etl-load --table user_activities --key " + KEY +
        " --touch loaded_at ")
BUSY = os.getloadavg()[0]
FILES = "etl-extract %s " + LOADED + ".ndjson | etl-transform . | "
REJECTS = " 3>" + SCRATCH + "/rejects "


def sh(command):
    """Runs a shell command; ends the bench if it fails."""
    done = subprocess.run(["sh", "-c", command], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit("bench: %s\n%s" % (command, done.stderr))
    return done.stdout.strip()


def measure(command, times=1, good=(0,)):
    """Returns wall seconds, CPU seconds, and MiB of the largest process."""
    done = subprocess.run(
        [MEASURE, "-n", str(times)] + command, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in good:
        sys.exit("bench: %s: %d\n%s" % (command, done.returncode,
                                        done.stderr[-2000:]))
    wall, cpu, peak = done.stdout.split()[-3:]
    return float(wall), float(cpu), int(peak) / 1024


def psql(statement):
    return sh('psql -XAtq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -c "%s"'
              % statement)


def pg_empty():
    psql("DROP TABLE IF EXISTS user_activities")
    sh('psql -Xq -d "$DATABASE_URL" -f examples/posts/schema.sql 2>&1')
    psql("CHECKPOINT")


def pg_rows():
    return psql("SELECT count(*), sum(hashtext(concat_ws('|', user_id, "
                "post_id, activity_type, title, body, word_count, "
                "extracted_at))::bigint) FROM user_activities")


def pg_count():
    return psql("SELECT count(*) FROM user_activities")


def pg_changed():
    psql("DROP TABLE IF EXISTS changed")
    psql("CREATE TABLE changed (id int PRIMARY KEY, name text, title text, "
         "views bigint, at timestamptz, active boolean, score float8)")
    psql("CHECKPOINT")


def sqlite_empty():
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(SQLITE + suffix):
            os.unlink(SQLITE + suffix)
    sh("sqlite3 " + SQLITE + " 'CREATE TABLE events (id TEXT PRIMARY KEY, "
       "kind TEXT, value TEXT)'")


def sqlite_example():
    """An empty table of examples/csv-directory."""
    sqlite_empty()
    sh("sqlite3 " + SQLITE + " 'DROP TABLE events' && sqlite3 " + SQLITE +
       " <examples/csv-directory/events.sql")


def sqlite_example_rows():
    return sh("sqlite3 " + SQLITE + " 'SELECT count(*), sum(value), "
              "count(DISTINCT id || ts || source_file) FROM events'")


def sqlite_rows():
    return sh("sqlite3 " + SQLITE + " 'SELECT id, kind, value FROM events "
              "ORDER BY id' | sha256sum")


def forget():
    """Empties the ledger, so that the same stream is loaded again."""
    for table in "etl_loads", "etl_checkpoints":
        if psql("SELECT to_regclass('%s')" % table):
            psql("DELETE FROM " + table)


def pg_anew():
    pg_empty()
    forget()


def pg_append():
    psql("DROP TABLE IF EXISTS appended")
    psql("CREATE TABLE appended (user_id bigint, post_id bigint, "
         "activity_type text, title text, body text, word_count integer, "
         "extracted_at timestamptz)")
    forget()
    psql("CHECKPOINT")


REPLACED = ("CREATE TABLE replaced (user_id bigint, post_id bigint, "
            "activity_type text, title text NOT NULL, body text, "
            "word_count integer, extracted_at timestamptz)")
REPLACED_INDEXES = ("ALTER TABLE replaced ADD PRIMARY KEY (user_id, post_id, "
                    "activity_type); CREATE INDEX ON replaced (user_id)")


def pg_replace():
    """A table of a few rows, which the stage replaces."""
    psql("DROP TABLE IF EXISTS replaced")
    psql(REPLACED + "; " + REPLACED_INDEXES +
         "; INSERT INTO replaced VALUES (0, 0, '', '')")
    forget()
    psql("CHECKPOINT")


def pg_replaced():
    return psql("SELECT count(*), sum(hashtext(r::text)::bigint) "
                "FROM replaced r")


def fresh():
    """Fills a fresh table and makes its indexes after."""
    path = SCRATCH + "/fresh.sql"
    with open(path, "w") as script:
        script.write("BEGIN; DROP TABLE replaced; %s;\n"
                     "\\copy replaced FROM '%s.csv' CSV\n%s; COMMIT;\n"
                     % (REPLACED, LOADED, REPLACED_INDEXES))
    return 'psql -Xq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f ' + path


def pg_appended():
    return psql("SELECT count(*), sum(hashtext(a::text)::bigint) "
                "FROM appended a")


def pg_source():
    """A table of 7 columns to read, filled once."""
    if psql("SELECT to_regclass('source_rows')"):
        return
    psql("CREATE TABLE source_rows (user_id bigint, post_id bigint, "
         "activity_type text, title text, body text, word_count integer, "
         "extracted_at timestamptz)")
    psql("\\copy source_rows FROM '%s.csv' CSV" % LOADED)
    psql("VACUUM ANALYZE source_rows")


def pg_other_rows():
    """A full table in which each row has another text."""
    pg_source()
    pg_empty()
    psql("INSERT INTO user_activities (%s, loaded_at) SELECT user_id, post_id, "
         "activity_type, title, body || ' old', word_count, extracted_at, "
         "now() FROM source_rows" % COLUMNS)
    psql("VACUUM ANALYZE user_activities")
    psql("CHECKPOINT")


def merge():
    path = SCRATCH + "/merge.sql"
    sets = ", ".join(c + " = EXCLUDED." + c for c in
                     COLUMNS.split(",")[3:] + ["loaded_at"])
    with open(path, "w") as script:
        script.write(
            "CREATE TEMP TABLE s (user_id bigint, post_id bigint, "
            "activity_type text, title text, body text, word_count integer, "
            "extracted_at timestamptz);\n"
            "\\copy s FROM '%s.csv' CSV\n"
            "INSERT INTO user_activities (%s, loaded_at) SELECT %s, now() "
            "FROM s ON CONFLICT (%s) DO UPDATE SET %s;\n"
            % (LOADED, COLUMNS, COLUMNS, KEY, sets))
    return 'psql -Xq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f ' + path


def pg_full():
    """The table with all rows, as the stage load-pg leaves it."""
    if (not psql("SELECT to_regclass('user_activities')") or
            pg_count() != str(ROWS)):
        pg_empty()
        sh(merge())
    psql("CHECKPOINT")


def same_output(peer, ours):
    """Compares the records of both, without the time of extraction."""
    cut = " | sed 's/,\"extracted_at\":\"[^\"]*\"//' | sha256sum"
    a, b = sh("{ " + peer + "; }" + cut), sh("{ " + ours + "; }" + cut)
    return "" if a == b else "outputs differ"


class Stage:
    """A peer command and ours, the setup for both, and a check of both."""

    def __init__(self, name, records, peer, ours, mark, setup=None,
                 check=None, output=False, memory=None, good=(0,), share=1):
        self.name, self.records = name, records
        self.title, self.peer = peer
        self.ours, self.mark = ours, mark
        self.setup, self.check = setup, check
        self.output, self.memory, self.good = output, memory, good
        self.share = share      # the peer gets one of so many records

    def once(self, command):
        if self.setup:
            self.setup()
        to = " >/dev/null" if self.output else ""
        result = measure(["sh", "-c", "{ " + command + "; }" + to],
                         good=self.good)
        return result, self.check() if self.check else None

    def run(self):
        peers, ours, note = [], [], ""
        for _ in range(PAIRS):
            a, a_has = self.once(self.peer)
            b, b_has = self.once(self.ours)
            if self.share == 1 and a_has != b_has:
                note = "contents differ"
                print("  %s: ours %s, peer %s" % (self.name, b_has, a_has))
            a = (a[0] * self.share,) + a[1:]
            peers.append(a)
            ours.append(b)
            print("  %-14s peer %8.3f s  ours %8.3f s  %6.2f x" % (
                self.name, a[0], b[0], a[0] / b[0]), flush=True)
        if self.output and "jq" in self.title:
            note = same_output(self.peer + " || :", self.ours)
        ratio = statistics.median(p[0] / o[0] for p, o in zip(peers, ours))
        wall = [statistics.median(r[0] for r in runs)
                for runs in (peers, ours)]
        return Line(
            self.name, self.title, self.records / wall[0],
            self.records / wall[1], ratio, self.mark,
            statistics.median(o[1] for o in ours),
            max(o[2] for o in ours), self.memory, note)


class Line:
    """A line of the table of results."""

    def __init__(self, name, title, peer, ours, ratio, mark, cpu, peak,
                 memory, note):
        self.good = (not note and (mark is None or ratio >= mark) and
                     (memory is None or peak < memory))
        verdict = "informative" if mark is None else \
            "passed" if self.good else "MISSED"
        self.text = "| %s | %s | %s | %s | **%.2f** | %s | %.2f | %.1f%s " \
            "| %s%s |" % (
                name, title, thousands(peer), thousands(ours), ratio,
                "" if mark is None else ">= %g" % mark, cpu, peak,
                "" if memory is None else " (< %d)" % memory, verdict,
                ": " + note if note else "")


def thousands(rate):
    return "%.0fk/s" % (rate / 1000) if rate >= 10000 else "%.1fk/s" % (
        rate / 1000)


def stages():
    transform = "etl-transform --std -f examples/posts/posts.jq <%s" + REJECTS
    copy = merge()
    flow = ("etl-extract --paginate page --into query:_page "
            "--size _limit=20 --total header:x-total-count "
            '"$API_BASE_URL/posts" | '
            "etl-transform --std -f examples/posts/posts.jq | " + LOAD)
    seed = "/usr/bin/python3 " + HERE + '/seed.py "$API_BASE_URL" "$DATABASE_URL"'
    pages = ROWS // 1000
    read_pages = ("etl-extract --jobs %d --paginate page --into query:_page "
                  "--size _limit=100 --total header:x-total-count "
                  '"$API_BASE_URL%s"')
    csv_example = (
        "etl-extract --stream s --jobs 2 --source-file source_file %s | "
        "etl-transform --std -f examples/csv-directory/events.jq | "
        "etl-load --db sqlite:%s --table events --key id" % (CSV_DIR, SQLITE))
    csv_peer = (
        "mlr --icsv --ocsv --headerless-csv-output put "
        "'$source_file = FILENAME; if (is_empty($value)) {$value = 0}' "
        "then filter 'is_not_empty($id) && is_not_empty($timestamp)' "
        "then cut -o -f id,timestamp,value,source_file %s/*.csv | "
        "sqlite3 -csv %s '.import /dev/stdin events'" % (CSV_DIR, SQLITE))
    by_pages = "head -n %d %s.ndjson >%s/few && %s pages %s/few" % (
        ROWS // 10, LOADED, SCRATCH, seed, SCRATCH)
    csv_threads = "/usr/bin/python3 %s/threads.py %s 100 %s/*.csv" % (
        HERE, SQLITE, CSV_DIR)
    plain_jq = "jq -c -f %s/posts-plain.jq %s 2>/dev/null" % (HERE, FEW_POSTS)
    return [
        Stage("posts", ROWS // 10,
              ("`jq -c`, plain jq", plain_jq), transform % FEW_POSTS, 8,
              output=True, good=(0, 5)),
        Stage("json-array", ROWS // 10,
              ("`jq -c .[]`", "jq -c '.[]' " + FEW_POSTS_ARRAY),
              "etl-extract " + FEW_POSTS_ARRAY, 5, output=True, memory=16),
        Stage("identity", ROWS, ("`jq -c .`", "jq -c . " + POSTS),
              "etl-transform . <" + POSTS + REJECTS, 1.5, output=True,
              memory=24),
        # One processor each: mlr reads ahead with a second one.
        Stage("csv", ROWS // 2,
              ("`mlr --icsv --ojsonl cat`",
               "taskset -c %d mlr --icsv --ojsonl cat %s-1.csv"
               % (ONE, LOADED)),
              "taskset -c %d etl-extract %s-1.csv" % (ONE, LOADED), 5,
              output=True, memory=16),
        Stage("csv-jobs", ROWS,
              ("`--jobs 1`", "etl-extract %s-1.csv %s-2.csv"
               % (LOADED, LOADED)),
              "etl-extract --jobs 2 %s-1.csv %s-2.csv" % (LOADED, LOADED),
              1.7, output=True),
        # Pages of 100 records, with 20 ms an answer and without.
        Stage("pages-jobs", pages * 100,
              ("`--jobs 1`, 20 ms an answer",
               read_pages % (1, "/fault/slow/20/posts")),
              read_pages % (8, "/fault/slow/20/posts"), 7.5, output=True,
              memory=32),
        Stage("pages-curl", pages * 100,
              ("`curl --compressed`, one connection",
               "curl -s --compressed -o /dev/null "
               '"$API_BASE_URL/posts?_limit=100&_page=[1-%d]"' % pages),
              read_pages % (8, "/posts"), 1, output=True, memory=32),
        Stage("pages-session", pages * 100,
              ("Python script (requests.Session)",
               '/usr/bin/python3 %s/session.py "$API_BASE_URL/posts" %d 100'
               % (HERE, pages)),
              read_pages % (8, "/posts"), 5, output=True, memory=32),
        Stage("csv-sqlite", CSV_FILES * CSV_ROWS,
              ("`mlr`, `sqlite3 .import`", csv_peer), csv_example, 1.5,
              sqlite_example, sqlite_example_rows),
        # The most that csv-sqlite could reach: SQLite alone, which stores
        # rows that are ready, in one transaction.
        Stage("csv-sqlite-limit", CSV_FILES * CSV_ROWS,
              ("`mlr`, `sqlite3 .import`", csv_peer),
              "sqlite3 -csv %s '.import %s/stored-%d.csv events'"
              % (SQLITE, DATA, CSV_ROWS), None, sqlite_example,
              sqlite_example_rows),
        # The peer takes minutes for all rows, so it gets every hundredth.
        Stage("csv-threads", CSV_FILES * CSV_ROWS,
              ("a thread per file, a commit per row", csv_threads), csv_example,
              150, sqlite_example, share=100),
        Stage("sql-pg", ROWS,
              ("`psql \\copy` row_to_json",
               'psql -Xq -d "$DATABASE_URL" -c "\\copy (SELECT row_to_json(r) '
               'FROM source_rows r) TO STDOUT"'),
              'etl-extract --table source_rows "$DATABASE_URL"', 0.8,
              pg_source, output=True, memory=32),
        Stage("load-pg", ROWS, ("`psql \\copy` TEMP, one merge", copy),
              LOAD + "<" + LOADED + ".ndjson", 1.1, pg_empty, pg_rows,
              memory=32),
        Stage("load-pg-2", ROWS, ("`psql \\copy` TEMP, one merge", copy),
              LOAD + "--connections 2 <" + LOADED + ".ndjson", 1.3, pg_empty,
              pg_rows, memory=32),
        Stage("load-pg-values", ROWS,
              ("psycopg2 `execute_values`, 100 a page",
               seed + " load " + LOADED + ".ndjson"),
              LOAD + "<" + LOADED + ".ndjson", 2, pg_empty, pg_rows,
              memory=32),
        Stage("load-pg-again", ROWS,
              ("the same merge into a full table", copy),
              LOAD + "<" + LOADED + ".ndjson", 3.5,
              pg_full, pg_rows, memory=32),
        Stage("replace-pg", ROWS,
              ("`psql \\copy` into a fresh table, its indexes after", fresh()),
              "etl-load --table replaced --mode replace <" + LOADED +
              ".ndjson", 0.9, pg_replace, pg_replaced, memory=32),
        # The peer applies one of 100 changes: each of its statements commits.
        Stage("cdc-pg", ROWS,
              ("one statement for each change, `psql`",
               "head -n %d %s.sql | psql -Xq -d \"$DATABASE_URL\""
               % (ROWS // 100, CHANGES)),
              "etl-load --table changed --mode cdc <" + CHANGES + ".ndjson", 20,
              pg_changed, memory=32, share=100),
        Stage("load-pg-changed", ROWS,
              ("the same merge, all rows changed", copy),
              LOAD + "<" + LOADED + ".ndjson", 0.9, pg_other_rows, pg_rows,
              memory=32),
        # Both commit after every 100 rows.
        Stage("load-pg-100", ROWS // 10,
              ("`execute_values`, 100 a page and commit", by_pages),
              "head -n %d %s.ndjson | %s--batch 100" % (
                  ROWS // 10, LOADED, LOAD), 3, pg_empty, pg_rows, memory=32),
        # The most that load-pg-100 could reach: COPY of rows that are ready,
        # which finds no row of an equal key and counts nothing.
        Stage("load-pg-100-limit", ROWS // 10,
              ("`execute_values`, 100 a page and commit", by_pages),
              'psql -Xq -d "$DATABASE_URL" -f %s/copy-%d.sql' % (DATA, ROWS),
              None, pg_empty, pg_rows),
        Stage("append-pg", ROWS,
              ("`psql \\copy` straight in",
               'psql -Xq -d "$DATABASE_URL" -c "\\copy appended FROM '
               "'%s.csv' CSV\"" % LOADED),
              "etl-load --table appended <" + LOADED + ".ndjson", 0.95,
              pg_append, pg_appended, memory=32),
        Stage("load-sqlite-random", ROWS,
              ("`.import`, keys in random order",
               "sqlite3 -csv %s '.import %s.csv events'"
               % (SQLITE, SHUFFLED)),
              "etl-load --db sqlite:%s --table events --key id <%s.ndjson"
              % (SQLITE, SHUFFLED), 0.9, sqlite_empty, sqlite_rows,
              memory=32),
        Stage("load-sqlite", ROWS,
              ("`.import` into a keyed table",
               "sqlite3 -csv %s '.import %s.csv events'" % (SQLITE, EVENTS)),
              "etl-load --db sqlite:%s --table events --key id <%s.ndjson"
              % (SQLITE, EVENTS), 0.9, sqlite_empty, sqlite_rows, memory=32),
        # The cost of all guarantees: the same records as a plain stream and
        # as a marked stream with checkpoints, ledger and counts.
        Stage("marks-pg", ROWS, ("the same load, plain",
                                 LOAD + "<" + LOADED + ".ndjson"),
              LOAD + "<" + LOADED + "-marked.ndjson", 0.9, pg_anew, pg_rows,
              memory=32),
        Stage("marks-pg-append", ROWS,
              ("the same load, plain",
               "etl-load --table appended <" + LOADED + ".ndjson"),
              "etl-load --table appended <" + LOADED + "-marked.ndjson", 0.9,
              pg_append, pg_appended, memory=32),
        Stage("marks-sqlite", ROWS,
              ("the same load, plain", "etl-load --db sqlite:%s --table "
               "events --key id <%s.ndjson" % (SQLITE, EVENTS)),
              "etl-load --db sqlite:%s --table events --key id "
              "<%s-marked.ndjson" % (SQLITE, EVENTS), 0.9, sqlite_empty,
              sqlite_rows, memory=32),
        Stage("marks-flow", ROWS,
              ("extract, transform and load, plain",
               FILES % "" + LOAD + REJECTS),
              FILES % "--stream b" + LOAD + REJECTS, 0.9, pg_anew, pg_rows,
              memory=32),
        Stage("flow", ROWS // 10, ("Python script (seed.py)", seed),
              "{ " + flow + "; }" + REJECTS, 3, pg_empty, pg_count,
              memory=32),
    ]


def startups():
    """Yields the average milliseconds of the smallest job of a program."""
    sqlite_empty()
    db = "--db=sqlite:" + SQLITE
    jobs = [
        ("etl-transform .", ["etl-transform", "."], 25),
        ("etl-extract -", ["etl-extract", "-"], 10),
        ("etl-load", ["etl-load", db, "--table", "events"], 10),
        ("etl-dlq list", ["etl-dlq", "list", db], 10),
        ("etl-run -c :", ["etl-run", db, "--name", "bench", "-c", ":"], 10),
        ("jq -n . (peer)", ["jq", "-n", "."], None),
    ]
    for name, command, mark in jobs:
        measure(command, good=(0, 1))
        yield name, measure(command, 200)[0] * 1000, mark


def memory():
    """Measures the memory of the posts filter; there is no peer."""
    command = ("etl-transform --std -f examples/posts/posts.jq <" + POSTS +
               REJECTS + ">/dev/null")
    return measure(["sh", "-c", command])


def large_json():
    """The MiB of a JSON file of four million posts, and of its reader."""
    size = os.path.getsize(LARGE) / 2**20
    return size, measure(["sh", "-c", "etl-extract %s >/dev/null" % LARGE])


def machine():
    cpu = sh("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1")
    mem = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = sh(
        "dpkg-query -W -f '${Package} ${Version}, ' jq libpq5 postgresql "
        "sqlite3 python3 python3-psycopg2 python3-requests libcurl4 "
        "2>/dev/null || :")
    return "%s, %d processors, %.0f GiB; %s; %s PostgreSQL %s" % (
        cpu, os.cpu_count(), mem, sh(". /etc/os-release; echo $PRETTY_NAME"),
        versions, psql("SHOW server_version"))


def main():
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    wanted = ENV.get("STAGES", "").split()
    lines, good = [], True
    for stage in stages():
        if not wanted or stage.name in wanted:
            line = stage.run()
            lines.append(line.text)
            good = good and line.good
    text = [
        "# Figures", "",
        "Written by `ROWS=%d PAIRS=%d make bench` on %s, peer and program in"
        % (ROWS, PAIRS, datetime.date.today().isoformat()),
        "turn; medians of wall time, the ratio is the median of the pairs'.",
        "Load average before it: %.1f (on a quiet machine below 0.5)." % BUSY,
        "", machine() + ".", "",
        "| stage | peer | peer's records | ours | ratio | mark | our cpu s "
        "| peak MiB | |", "|---|---|---|---|---|---|---|---|---|"] + lines
    if not wanted or "memory" in wanted:
        wall, cpu, peak = memory()
        good = good and peak < 24
        text += ["", "The posts filter over %d records: %s, %.1f MiB at most "
                 "in a process (< 24)." % (ROWS, thousands(ROWS / wall),
                                           peak)]
    if not wanted or "json-large" in wanted:
        size, (wall, cpu, peak) = large_json()
        good = good and peak < 16
        text += ["", "A JSON array of %d MiB: %d MiB/s, %.1f MiB at most "
                 "(< 16)." % (size, size / wall, peak)]
    if not wanted or "startup" in wanted:
        text += ["", "| start-up, mean of 200 | ms | mark |", "|---|---|---|"]
        for name, ms, mark in startups():
            good = good and (mark is None or ms <= mark)
            text.append("| `%s` | %.1f | %s |" % (
                name, ms, "" if mark is None else "<= %d" % mark))
    print("\n".join(text))
    if not wanted and ROWS >= 1000000:
        with open(HERE + "/RESULTS.md", "w") as out:
            out.write("\n".join(text) + "\n")
    print("\n" + ("Every mark passed." if good else "MARKS MISSED."))


main()
