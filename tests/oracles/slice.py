"""Reads the Parquet files of packs, written from schemas/evidence/parquet.md: no Parquet library.

    slice.py FILE FIELD…
    slice.py --vectors FILE     checks the answer to every file of slice.json

Prints the number of rows, or why the file is not in the form of the page. Only Zstandard is somebody
else's (pyarrow's).
"""

import base64
import json
import struct
import sys
from pathlib import Path

import pyarrow as pa

SCHEMA = Path(__file__).parent.parent.parent / "schemas" / "events" / "event.avsc"
ROWS_MAX, BYTES_MAX, FILE_BYTES_MAX = 65_536, 64 << 20, 68 << 20
RECORD = [
    *(("kafka_topic", "text", True), ("kafka_partition", "int32", True), ("kafka_offset", "int", True)),
    *(("kafka_timestamp", "millis", True), ("kafka_timestamp_type", "int32", True)),
    *(("schema_id", "text", True), ("record_digest", "fixed32", True), ("salt", "fixed16", False)),
]
PHYSICAL = {"bool": 0, "int32": 1, "int": 2, "millis": 2, "time": 2, "float": 5, "text": 6, "bytes": 6}
PHYSICAL |= {"fixed32": 7, "fixed16": 7}


class Form(Exception):
    """The file has another form."""


def need(holds, what):
    if not holds:
        raise Form(what)


def event_fields():
    """Type of every field of the event by its path, whether it is required, and whether erasable."""
    names = {"boolean": "bool", "long": "int", "double": "float", "string": "text", "bytes": "bytes"}
    found = {}

    def visit(fields, group):
        for field in fields:
            kind, required = field["type"], True
            if isinstance(kind, list):
                kind, required = next(one for one in kind if one != "null"), False
            path = group + field["name"]
            if isinstance(kind, dict) and kind["type"] == "record":
                visit(kind["fields"], path + ".")
                continue
            if isinstance(kind, dict):
                of = {"array": "texts", "map": "map"}.get(kind["type"])
                kind = of or ("time" if "logicalType" in kind else kind["type"])
            found[path] = names.get(kind, kind), required, field.get("erasable", False)

    visit(json.loads(SCHEMA.read_text())["fields"], "")
    return found


EVENT = event_fields()


def columns(paths):
    """The fields of a file whose events fill these: path, type, whether required."""
    wanted = {path for path, (_, required, _) in EVENT.items() if required} | set(paths)
    event = [(path, *EVENT[path][:2]) for path in sorted(wanted, key=str.encode)]
    return [*RECORD, *event, ("erased_commitments", "secrets", False), ("kept_salts", "secrets", False)]


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def read_varint(data, at):
    value = shift = 0
    start = at
    while True:
        need(at < len(data), "a number is cut off")
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            need(varint(value) == data[start:at], "a number in another form")
            return value, at


def thrift(fields):
    """A struct from (number, type, value), ascending."""
    out, last = b"", 0
    kinds = {"true": 1, "i32": 5, "i64": 6, "text": 8, "struct": 12, "list": 9}
    for number, kind, value in fields:
        out += bytes([number - last << 4 | kinds[kind]])
        last = number
        if kind == "true":
            continue
        if kind == "list":
            of, values = value
            many = len(values) > 14
            out += bytes([(15 if many else len(values)) << 4 | kinds[of]])
            out += varint(len(values)) if many else b""
            out += b"".join(encode(of, one) for one in values)
        else:
            out += encode(kind, value)
    return out + b"\0"


def encode(kind, value):
    if kind in ("i32", "i64"):
        return varint(value << 1)
    if kind == "text":
        return varint(len(value.encode())) + value.encode()
    return thrift(value)


def group_of(path):
    return path.rpartition(".")[0]


def parts(path, kind):
    """Path and type of each column of a field."""
    names = path.split(".")
    if kind == "texts":
        return [([*names, "list", "element"], "text")]
    if kind in ("map", "secrets"):
        value = "text" if kind == "map" else "bytes"
        return [([*names, "key_value", "key"], "text"), ([*names, "key_value", "value"], value)]
    return [(names, kind)]


def column_element(name, kind, repetition):
    fields = [(1, "i32", PHYSICAL[kind])]
    if kind.startswith("fixed"):
        fields.append((2, "i32", int(kind[5:])))
    fields += [(3, "i32", repetition), (4, "text", name)]
    if kind == "text":
        fields += [(6, "i32", 0), (10, "struct", [(1, "struct", [])])]
    if kind in ("millis", "time"):
        unit = 1 if kind == "millis" else 2
        time = [(1, "true", None), (2, "struct", [(unit, "struct", [])])]
        fields += [(6, "i32", 8 + unit), (10, "struct", [(8, "struct", time)])]
    return fields


def schema_elements(fields):
    tops, groups = 0, []
    for path, _, _ in fields:
        group = group_of(path)
        if not group or not groups or groups[-1] != group:
            tops, groups = tops + 1, [*groups, group]
    elements, open_group = [[(4, "text", "schema"), (5, "i32", tops)]], ""
    for path, kind, required in fields:
        group, name, optional = group_of(path), path.rpartition(".")[2], int(not required)
        if group and group != open_group:
            members = sum(group_of(other) == group for other, _, _ in fields)
            elements.append([(3, "i32", 1), (4, "text", group), (5, "i32", members)])
        open_group = group
        outer = [(3, "i32", optional), (4, "text", name), (5, "i32", 1)]
        if kind == "texts":
            elements.append([*outer, (6, "i32", 3), (10, "struct", [(3, "struct", [])])])
            elements.append([(3, "i32", 2), (4, "text", "list"), (5, "i32", 1)])
            elements.append(column_element("element", "text", 0))
        elif kind in ("map", "secrets"):
            elements.append([*outer, (6, "i32", 1), (10, "struct", [(2, "struct", [])])])
            elements.append([(3, "i32", 2), (4, "text", "key_value"), (5, "i32", 2)])
            elements.append(column_element("key", "text", 0))
            elements.append(column_element("value", parts(path, kind)[1][1], 0))
        else:
            elements.append(column_element(name, kind, optional))
    return elements


def footer_fields(fields, rows, chunks):
    """The struct of the footer, from the offset, sizes and levels of each column's page."""
    columns = [column for path, kind, _ in fields for column in parts(path, kind)]
    metadata = []
    for (names, kind), (offset, before, after, values) in zip(columns, chunks, strict=True):
        codec = 0 if kind.startswith("fixed") else 6
        chunk = [(1, "i32", PHYSICAL[kind]), (2, "list", ("i32", [0, 3])), (3, "list", ("text", names))]
        chunk += [(4, "i32", codec), (5, "i64", values), (6, "i64", before), (7, "i64", after)]
        metadata.append([(2, "i64", 0), (3, "struct", [*chunk, (9, "i64", offset)])])
    total = sum(before for _, before, _, _ in chunks)
    group = [(1, "list", ("struct", metadata)), (2, "i64", total), (3, "i64", rows)]
    pair = [(1, "text", "driftseal.format"), (2, "text", "driftseal/slice/v2")]
    file = [(1, "i32", 1), (2, "list", ("struct", schema_elements(fields))), (3, "i64", rows)]
    file += [(4, "list", ("struct", [group])), (5, "list", ("struct", [pair])), (6, "text", "driftseal")]
    return file


def footer(fields, rows, chunks):
    return thrift(footer_fields(fields, rows, chunks))


def page_header(before, after, values):
    inner = [(1, "i32", values), (2, "i32", 0), (3, "i32", 3), (4, "i32", 3)]
    return thrift([(1, "i32", 0), (2, "i32", before), (3, "i32", after), (5, "struct", inner)])


def decompress(frame, size):
    need(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 5, "no Zstandard frame")
    flags, at = frame[4], 5
    need(flags & 0x1F == 0, "checksum, dictionary or reserved bits")
    single = flags >> 5 & 1
    if not single:
        base = 1 << (10 + (frame[5] >> 3))
        need(base + base // 8 * (frame[5] & 7) <= 8 << 20, "a window over 8 MiB")
        at += 1
    length = [1 if single else 0, 2, 4, 8][flags >> 6]
    need(length and at + length <= len(frame), "no size")
    stated = int.from_bytes(frame[at : at + length], "little") + (256 if length == 2 else 0)
    need(stated == size and (not single or size <= 8 << 20), "another size")
    at, last = at + length, False
    while not last:
        need(at + 3 <= len(frame), "a frame that is cut off")
        header = int.from_bytes(frame[at : at + 3], "little")
        last, kind, length = header & 1, header >> 1 & 3, header >> 3
        need(kind != 3, "a reserved block")
        at += 3 + (1 if kind == 1 else length)
    need(at == len(frame), "not one frame")
    if size == 0:
        return b""
    try:
        content = pa.Codec("zstd").decompress(frame, decompressed_size=size, asbytes=True)
    except (OSError, pa.ArrowException) as why:
        raise Form(str(why)) from why
    need(len(content) == size, "another size")
    return content


def pages_of(data, fields):
    """Number of rows, and the page and number of levels of each column."""
    need(12 <= len(data) <= FILE_BYTES_MAX, "size of the file")
    need(data[:4] == data[-4:] == b"PAR1", "marks of the file")
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    need(end >= 4, "size of the footer")
    at, pages, chunks, whole = 4, [], [], 0
    for path, kind, _ in fields:
        for _, of in parts(path, kind):
            start = at
            need(data[at : at + 3] == b"\x15\x00\x15", "page header")
            before, at = read_varint(data, at + 3)
            need(data[at : at + 1] == b"\x15", "page header")
            after, at = read_varint(data, at + 1)
            need(data[at : at + 2] == b"\x2c\x15", "page header")
            values, at = read_varint(data, at + 2)
            need((before | after | values) & 1 == 0, "negative sizes")
            before, after, values = before // 2, after // 2, values // 2
            need(max(before, after, values) < 1 << 31, "sizes of a page")
            header = page_header(before, after, values)
            need(data[start : start + len(header)] == header, "page header")
            at = start + len(header)
            whole += before
            need(whole <= BYTES_MAX and at + after <= end, "sizes of pages")
            page = data[at : at + after]
            if of.startswith("fixed"):
                need(before == after, "size of a page")
            else:
                page = decompress(page, before)
            at += after
            pages.append((page, values))
            chunks.append((start, before + len(header), after + len(header), values))
    need(at == end, "bytes before the footer")
    rows = pages[0][1]
    need(1 <= rows <= ROWS_MAX, "number of rows")
    need(footer(fields, rows, chunks) == data[end:-8], "footer")
    return rows, pages


def levels_of(page, highest, count):
    need(len(page) >= 4, "levels are cut off")
    end = 4 + int.from_bytes(page[:4], "little")
    need(end <= len(page), "levels are cut off")
    levels, at, before = [], 4, None
    while at < end:
        header, at = read_varint(page[:end], at)
        need(at < end and header & 1 == 0 and header > 0, "a run of levels")
        level, at = page[at], at + 1
        need(level <= highest and level != before, "a level")
        need(len(levels) + header // 2 <= count, "more levels")
        levels += [level] * (header // 2)
        before = level
    need(len(levels) == count, "number of levels")
    return levels, page[end:]


def values_of(data, kind, count):
    """So many values, and nothing behind them."""
    if kind == "bool":
        need(len(data) == (count + 7) // 8, "booleans")
        bits = [bool(data[at // 8] >> at % 8 & 1) for at in range(len(data) * 8)]
        need(not any(bits[count:]), "bits behind the booleans")
        return bits[:count]
    if kind in ("text", "bytes"):
        values, at = [], 0
        for _ in range(count):
            need(at + 4 <= len(data), "a length is cut off")
            end = at + 4 + int.from_bytes(data[at : at + 4], "little")
            need(end <= len(data), "a value is cut off")
            values.append(data[at + 4 : end])
            at = end
        need(at == len(data), "bytes behind the values")
        try:
            return [value.decode() for value in values] if kind == "text" else values
        except UnicodeDecodeError as why:
            raise Form(str(why)) from why
    size = {"int32": 4, "fixed32": 32, "fixed16": 16}.get(kind, 8)
    need(len(data) == size * count, "values of fixed size")
    values = [data[at : at + size] for at in range(0, len(data), size)]
    if kind.startswith("fixed"):
        return values
    form = {"int32": "<i", "float": "<d"}.get(kind, "<q")
    found = [struct.unpack(form, value)[0] for value in values]
    nan = bytes.fromhex("000000000000f87f")
    need(kind != "float" or all(a == a or b == nan for a, b in zip(found, values)), "another NaN")
    return found


def rows_of_field(field, pages, rows):
    """For each row: the value or None, and whether the group is there."""
    path, kind, required = field
    g, nested = int("." in path), kind in ("texts", "map", "secrets")
    top = g + int(not required) + int(nested)
    columns, shared = [], None
    for (page, count), (_, of) in zip(pages, parts(path, kind)):
        need(nested or count == rows, "number of values")
        rest, repeats, defines = page, None, [top] * count
        if nested:
            repeats, rest = levels_of(rest, 1, count)
        if not required:
            defines, rest = levels_of(rest, top, count)
        need(shared in (None, (repeats, defines)), "levels of keys and values")
        shared = repeats, defines
        columns.append(iter(values_of(rest, of, defines.count(top))))
    repeats, defines = shared
    if not nested:
        return [(next(columns[0]) if at == top else None, at >= g or required) for at in defines]
    found = []
    for repeat, define in zip(repeats, defines):
        if repeat == 0:
            found.append(([] if define > g else None, define >= g, define))
        need(found and (repeat == 0 or define == found[-1][2] == top), "items of a row")
        if define == top:
            found[-1][0].append(tuple(next(column) for column in columns))
    need(len(found) == rows, "number of rows")
    result = []
    for items, there, _ in found:
        if items is not None and kind == "texts":
            items = [text for (text,) in items]
        elif items is not None:
            keys = [key.encode() for key, _ in items]
            need(all(a < b for a, b in zip(keys, keys[1:])), "order of keys")
            if kind == "secrets":
                need(items and all(len(value) == 32 for _, value in items), "commitments and salts")
            items = dict(items)
        result.append((items, there))
    return result


def read(data, paths):
    """Columns of a file whose events fill these fields, and the number of rows."""
    fields = columns(paths)
    rows, pages = pages_of(data, fields)
    found, groups, at = {}, {}, 0
    for field in fields:
        path, kind, _ = field
        count = len(parts(path, kind))
        values = rows_of_field(field, pages[at : at + count], rows)
        at += count
        found[path] = [value for value, _ in values]
        if group := group_of(path):
            there, filled = groups.setdefault(group, ([there for _, there in values], [False] * rows))
            need(there == [there for _, there in values], "a group that is there or not")
            for row, (value, _) in enumerate(values):
                filled[row] |= value is not None
    need(all(there == filled for there, filled in groups.values()), "a group without a value")
    need(set(found["kafka_timestamp_type"]) <= {0, 1, 2}, "type of a timestamp")
    return found, rows


def answer(data, fields):
    try:
        return read(data, fields)[1]
    except Form:
        return None


if __name__ == "__main__":
    if sys.argv[1] == "--vectors":
        said = [0, 0]
        for one in json.loads(Path(sys.argv[2]).read_text())["files"]:
            found = answer(base64.b64decode(one["file"]), one["fields"])
            if found != one["rows"]:
                sys.exit(f"{one['about']}: {found} instead of {one['rows']}")
            said[found is None] += 1
        print(json.dumps({"accepted": said[0], "refused": said[1]}))
        sys.exit(0)
    try:
        _, count = read(Path(sys.argv[1]).read_bytes(), sys.argv[2:])
        print(json.dumps({"rows": count}))
    except Form as why:
        print(json.dumps({"refused": str(why)}))
        sys.exit(1)
