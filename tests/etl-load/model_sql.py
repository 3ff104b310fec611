"""sql(url, text): runs SQL in the database of a test, and returns what it
prints: a line for each row, with | between the columns."""
import subprocess


def sql(url, text):
    if url.startswith("sqlite:"):
        argv = ["sqlite3", "-bail", url[len("sqlite:"):]]
    else:
        argv = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url]
    return subprocess.run(argv, input=text, check=True, encoding="utf-8",
                          stdout=subprocess.PIPE).stdout
