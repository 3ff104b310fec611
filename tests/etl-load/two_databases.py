"""The databases that a model test loads: PostgreSQL, by one session of psql, and
a SQLite file for each batch size, so that no loader waits for another."""
import sqlite3
import subprocess
import sys


class Psql:
    def __init__(self, url):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url],
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, text):
        """Runs statements and returns their output."""
        self.process.stdin.write(text + ";\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "done\n":
                return "".join(lines)
            lines.append(line)
        sys.exit("psql ended at: " + text)


def open_sqlite_files(file, batches):
    files = {b: sqlite3.connect("%s.%d" % (file, b), isolation_level=None)
             for b in batches}
    for connection in files.values():
        connection.execute("PRAGMA journal_mode = WAL")
    return files
