"""What follows from the rows of a pack: pack.json and the tables, from schemas/evidence/pack.md."""

import base64
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from slice import EVENT

EVENTS = Path(__file__).parent.parent.parent / "schemas" / "events"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST = ["kind", "event_time", "agent_id", "agent_version", "run_id", "event_id"]
RECORD = ["kafka_timestamp", "kafka_topic", "kafka_partition", "kafka_offset", "schema_id"]
SAYS = [
    *("drift.metric", "drift.severity", "drift.baseline_version", "drift.last_change"),
    *("approval.id", "approval.outcome", "approval.approver_id", "approval.approver_authn"),
    *("change.id", "change.type", "change.approver", "eval.suite", "eval.gate"),
]
NEWS = {
    **dict.fromkeys(("drift", "monitor", "maintenance"), "alerts"),
    **dict.fromkeys("agent change config corpus policy eval access key".split(), "changes"),
    **dict.fromkeys(("approval", "oversight"), "decisions"),
}
ALIKE = {"o": "0оοօ", "i": "1lıіιӏ", "a": "аα", "c": "сϲ", "e": "еε", "h": "һ", "j": "ј", "k": "кκ", "m": "м"}
ALIKE |= {"n": "пη", "p": "рρ", "s": "ѕ", "t": "тτ", "u": "υս", "v": "ν", "w": "ԝ", "x": "хχ", "y": "уγ"}
ALIKE = {of: to for to, group in ALIKE.items() for of in group}


def notable_kinds():
    found = {}
    for path in EVENTS.glob("*.avsc"):
        document = json.loads(path.read_text())
        for kind in document.get("kinds", []):
            if kind.get("notable"):
                found[kind["name"]] = NEWS.get(path.stem, "exceptions")
    return found


NOTABLE = notable_kinds()


def instant(micros):
    """RFC 3339, or none outside the years 1 to 9999."""
    try:
        at = EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def broker_time(millis):
    return instant(millis * 1000) or f"{millis} ms since the epoch"


def cut(text, most=400):
    return text if len(text) <= most else text[:most] + "…"


def skeleton(name, digits):
    letters = [letter for c in name[:200] for letter in c.lower() if letter.isalnum()]
    return [c if c in "01" and not digits else ALIKE.get(c, c) for c in letters]


def similar(one, other):
    if one == other or not other:
        return False
    if skeleton(one, True) == skeleton(other, True):
        return True
    a, b = sorted((skeleton(one, False), skeleton(other, False)), key=len)
    if len(a) < 4 or len(b) - len(a) > 1:
        return False
    same = next((at for at, pair in enumerate(zip(a, b)) if pair[0] != pair[1]), len(a))
    if not b[same].isalpha() or (len(a) == len(b) and (not a[same].isalpha() or same + 1 == len(b))):
        return False
    return a[same + (len(a) == len(b)) :] == b[same + 1 :]


def counts(names):
    listed, others = {}, 0
    for name in names:
        if name in listed:
            listed[name] += 1
        elif len(listed) < 500 and len(name) <= 200:
            listed[name] = 1
        else:
            others += 1
    return {"listed": listed, "others": others}


class Counter:
    """Counts the rows of a pack. A row maps paths to values."""

    def __init__(self, start, stop, withheld):
        self.start, self.stop, self.withheld = start, stop, set(withheld)
        self.rows, self.kinds, self.versions, self.times = 0, [], [], []
        self.filled, self.semantics = set(), set()
        self.missing = {"erased": {}, "withheld": {}}
        self.news = {name: {"dropped": 0, "items": []} for name in ("alerts", "changes", "exceptions")}
        self.decisions, self.dropped = {}, 0

    def is_in_period(self, row):
        return self.start <= row["kafka_timestamp"] < self.stop

    def add(self, row):
        self.rows += 1
        for path in row.get("erased_commitments") or ():
            of = self.missing["withheld" if path in self.withheld else "erased"]
            of[path] = of.get(path, 0) + 1
        if not self.is_in_period(row):
            return
        self.kinds.append(row["kind"])
        self.versions.append(row.get("agent_version") or "")
        self.times.append(row["kafka_timestamp"])
        self.filled |= {path for path in EVENT if row.get(path) is not None}
        if row.get("origin.semantics") is not None:
            self.semantics.add(row["origin.semantics"])
        if row["kind"] in NOTABLE:
            self.tell(row)

    def tell(self, row):
        said = [f"{path} = {cut(row[path])}" for path in SAYS if row.get(path) is not None]
        item = {
            "kind": row["kind"],
            "occurred": instant(row["event_time"]) or "at no known time",
            "record": f"{row['kafka_topic']}/{row['kafka_partition']} {row['kafka_offset']}",
            "says": cut(", ".join(said)),
            "version": cut(row.get("agent_version") or ""),
        }
        where, outcome = NOTABLE[row["kind"]], row.get("approval.outcome") or ""
        if where == "decisions":
            self.decide(row, cut(outcome), item["occurred"])
            if outcome == "approved":
                return
            where = "exceptions"
        of = self.news[where]
        if len(of["items"]) < 200:
            of["items"].append(item)
        else:
            of["dropped"] += 1

    def decide(self, row, outcome, occurred):
        approver, authn = (cut(row.get(f"approval.approver_{of}") or "") for of in ("id", "authn"))
        key = row["kind"], outcome, approver, authn
        if key in self.decisions:
            group = self.decisions[key]
            group["count"] += 1
            group["first"], group["last"] = min(group["first"], occurred), max(group["last"], occurred)
        elif len(self.decisions) < 200:
            names = {"kind": row["kind"], "outcome": outcome, "approver": approver, "authn": authn}
            self.decisions[key] = {**names, "count": 1, "first": occurred, "last": occurred}
        else:
            self.dropped += 1

    def columns(self):
        first = [path for path in FIRST if path in self.filled]
        return first + sorted(self.filled - set(first), key=str.encode)

    def facts(self):
        decisions = [self.decisions[key] for key in sorted(self.decisions, key=lambda k: [p.encode() for p in k])]
        return {
            "by_kind": counts(self.kinds),
            "by_version": counts(self.versions),
            "columns": self.columns(),
            **self.missing,
            "events": len(self.kinds),
            "events_in_segments": self.rows,
            "first": broker_time(min(self.times)) if self.times else None,
            "last": broker_time(max(self.times)) if self.times else None,
            "semantics": sorted(self.semantics),
            "story": {**self.news, "decisions": decisions, "decisions_dropped": self.dropped},
        }


def document(facts, claimed):
    """The bytes of pack.json."""
    scope = {"agent_id": claimed["scope"]["agent_id"]}
    for end in ("from", "to"):
        scope[end] = claimed["scope"][end]
    whole = {"facts": facts, "format": "driftseal/pack/v3", "scope": scope}
    whole |= {name: claimed[name] for name in ("generator", "report")}
    whole["withheld"] = sorted(claimed["withheld"], key=str.encode)
    return (json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def guard(text):
    return "'" + text if text[:1] and text[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20" else text


def plain(value):
    """A double without an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value).replace("nan", "NaN")
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(kind, value):
    if value is None:
        return ""
    if kind == "text":
        return guard(value)
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "time":
        return instant(value) or f"{value} µs since the epoch"
    if kind in ("texts", "map"):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return {"bool": lambda v: str(v).lower(), "float": plain}.get(kind, str)(value)


def line(fields):
    quoted = (f'"{f.replace(chr(34), chr(34) * 2)}"' if set(f) & set(',"\n\r') else f for f in fields)
    return ",".join(quoted) + "\n"


def table(columns, rows):
    """The bytes of a table."""
    lines = [line(RECORD + columns)]
    for row in rows:
        record = [broker_time(row["kafka_timestamp"]), guard(row["kafka_topic"])]
        record += [str(row["kafka_partition"]), str(row["kafka_offset"]), guard(row["schema_id"])]
        lines.append(line(record + [cell(EVENT[path][0], row.get(path)) for path in columns]))
    return "".join(lines).encode()
