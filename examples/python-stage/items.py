#!/usr/bin/env python3
"""Turns an item into a row, or rejects it, as items-api/items.jq does."""
import datetime
import re

from etlstage import Reject, run

TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?"
                  r"([Zz]|[+-]\d\d(?::?\d\d)?)")


def timestamp(text):
    """Converts an RFC 3339 time to UTC and keeps the digits of its fraction."""
    found = TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Reject("type", "ts is no time with an offset", "/ts")
    day, clock, fraction, zone = found.groups("")
    zone = "+00:00" if zone in "Zz" else (zone.replace(":", "") + "00")[:5]
    try:
        when = datetime.datetime.strptime(f"{day} {clock} {zone}",
                                          "%Y-%m-%d %H:%M:%S %z")
        when = when.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError) as why:
        raise Reject("range", str(why), "/ts") from None
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def item(record):
    for name in ("id", "ts", "value"):
        if record.get(name) is None:
            raise Reject("required", f"no {name}", f"/{name}")
    if not number(record["value"]):
        raise Reject("type", "value is no number", "/value")
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "id": str(record["id"]),
        "ts": timestamp(record["ts"]),
        "value": record["value"],
        "value_scaled": record["value"] * 100,
        "fetched_at": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "source": "external_api",
    }


run("items", item)
