"""Makes files that somebody could put in the place of a true Parquet file of a pack.

    mutants.py DIRECTORY

Reads `true.parquet` and `columns.json`, and writes `<number>-<what>.parquet`: footers and pages that say
something else, and pages that were compressed in another way. Each is what a forger would write who knows
Parquet: every offset and size is made right again around what was changed.
"""

import json
import sys
from pathlib import Path

import pyarrow as pa

import slice


def zstd(page, level):
    return pa.Codec("zstd", compression_level=level).compress(page, asbytes=True)


def build(fields, rows, pages, level=3, twist=None, head=None, extra=b"", offsets=None):
    """The file of these pages. `twist` changes the struct of the footer, `head` a page header."""
    data, chunks = b"PAR1", []
    columns = [of for path, kind, _ in fields for _, of in slice.parts(path, kind)]
    for number, (of, (page, values)) in enumerate(zip(columns, pages, strict=True)):
        stored = page if of.startswith("fixed") else zstd(page, level)
        header = slice.page_header(len(page), len(stored), values)
        header = head(number, header) if head else header
        chunks.append((len(data), len(page) + len(header), len(stored) + len(header), values))
        data += header + stored
    if extra:
        offsets.append(len(data))
    data += extra
    footer = slice.footer_fields(fields, rows, chunks)
    if twist:
        footer = twist(footer, chunks)
    footer = slice.thrift(footer)
    return data + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def put(struct, number, kind, value):
    """The struct with this field, in place of the one of that number or beside the others."""
    return sorted([field for field in struct if field[0] != number] + [(number, kind, value)])


def get(struct, number):
    return next(value for field, _, value in struct if field == number)


def of_chunk(footer, at, change):
    """The footer with another column chunk."""
    (group,) = get(footer, 4)[1]
    chunks = list(get(group, 1)[1])
    chunks[at] = change(chunks[at])
    return put(footer, 4, "list", ("struct", [put(group, 1, "list", ("struct", chunks))]))


def of_metadata(footer, at, change):
    return of_chunk(footer, at, lambda chunk: put(chunk, 3, "struct", change(get(chunk, 3))))


def of_group(footer, change):
    (group,) = get(footer, 4)[1]
    return put(footer, 4, "list", ("struct", [change(group)]))


def of_schema(footer, change):
    return put(footer, 2, "list", ("struct", change(list(get(footer, 2)[1]))))


def statistics(low, high, nulls):
    return [(3, "i64", nulls), (5, "text", high), (6, "text", low)]


def of_columns(count, chunks):
    """What a footer can say of each column: about its place, its content, and what may be skipped."""
    for at in range(count):
        offset, _, _, values = chunks[at]
        other = chunks[(at + 1) % count][0]
        for name, number, kind, value in [
            ("dictionary-before", 11, "i64", 4),
            ("dictionary-other", 11, "i64", other),
            ("data-elsewhere", 9, "i64", other),
            ("index-page", 10, "i64", other),
            ("max-statistic", 12, "struct", statistics("", "a", 0)),
            ("all-null", 12, "struct", statistics("", "", values)),
            ("fewer-values", 5, "i64", values - 1),
            ("bloom-filter", 14, "i64", offset),
            ("plain-dictionary", 2, "list", ("i32", [2, 3])),
            ("uncompressed", 4, "i32", 0),
            ("sizes", 7, "i64", 7),
        ]:
            yield f"{name}-{at}", lambda f, _, a=at, n=number, k=kind, v=value: of_metadata(
                f, a, lambda m: put(m, n, k, v)
            )
        for name, number, kind, value in [
            ("other-file", 1, "text", "other.parquet"),
            ("file-offset", 2, "i64", other),
            ("offset-index", 4, "i64", offset),
            ("column-index", 6, "i64", offset),
        ]:
            yield f"{name}-{at}", lambda f, _, a=at, n=number, k=kind, v=value: of_chunk(
                f, a, lambda c: put(c, n, k, v)
            )
        yield f"path-{at}", lambda f, _, a=at: of_metadata(
            f, a, lambda m: put(m, 3, "list", ("text", ["kind"]))
        )


def swapped(elements, one, other):
    elements[one], elements[other] = elements[other], elements[one]
    return elements


def of_footers(elements):
    """What a footer can say of the whole file and of its schema."""
    pair = [(1, "text", "ARROW:schema"), (2, "text", "AAAA")]
    format_pair = [(1, "text", "driftseal.format"), (2, "text", "driftseal/slice/v2")]
    yield "version", lambda f, _: put(f, 1, "i32", 2)
    yield "rows", lambda f, _: put(f, 3, "i64", get(f, 3) - 1)
    yield "no-rows", lambda f, _: put(f, 3, "i64", 0)
    yield "created-by", lambda f, _: put(f, 6, "text", "parquet-mr version 1.8.0")
    yield "arrow-schema", lambda f, _: put(f, 5, "list", ("struct", [format_pair, pair]))
    yield "no-format", lambda f, _: put(f, 5, "list", ("struct", [pair]))
    yield "two-groups", lambda f, _: put(f, 4, "list", ("struct", get(f, 4)[1] * 2))
    yield "no-groups", lambda f, _: put(f, 4, "list", ("struct", []))
    yield "group-rows", lambda f, _: of_group(f, lambda g: put(g, 3, "i64", get(g, 3) - 1))
    yield "sorted", lambda f, _: of_group(
        f, lambda g: put(g, 4, "list", ("struct", [[(1, "i32", 2), (2, "true", None), (3, "true", None)]]))
    )
    yield "group-offset", lambda f, _: of_group(f, lambda g: put(g, 5, "i64", 4))
    yield "orders", lambda f, _: put(f, 7, "list", ("struct", [[(1, "struct", [])]]))
    for at in range(1, len(elements)):
        number = at
        for name, field, kind, value in [
            ("required", 3, "i32", 0),
            ("repeated", 3, "i32", 2),
            ("renamed", 4, "text", "kind"),
            ("scale", 7, "i32", 1),
            ("field-id", 9, "i32", number),
            ("enum", 6, "i32", 4),
        ]:
            yield f"{name}-{at}", lambda f, _, a=at, n=field, k=kind, v=value: of_schema(
                f, lambda s: [*s[:a], put(s[a], n, k, v), *s[a + 1 :]]
            )
        if at + 1 < len(elements):
            yield f"swapped-{at}", lambda f, _, a=at: of_schema(f, lambda s: swapped(s, a, a + 1))


def main(directory):
    true = (directory / "true.parquet").read_bytes()
    fields = slice.columns(json.loads((directory / "columns.json").read_text()))
    rows, pages = slice.pages_of(true, fields)
    written = 0

    def write(name, data):
        nonlocal written
        if data != true:
            (directory / f"{written:05}-{name}.parquet").write_bytes(data)
            written += 1

    chunks = []
    build(fields, rows, pages, twist=lambda footer, found: (chunks.extend(found), footer)[1])
    for level in (1, 2, 3, 9, 19):
        write(f"level-{level}", build(fields, rows, pages, level=level))
    for name, twist in of_columns(len(chunks), chunks):
        write(name, build(fields, rows, pages, twist=twist))
    elements = slice.schema_elements(fields)
    for name, twist in of_footers(elements):
        write(name, build(fields, rows, pages, twist=twist))
    for at in range(len(pages)):
        # Another page of the same column behind all others, which a footer then names.
        page, values = pages[at]
        offsets, other = [], page[:-1] + bytes([page[-1] ^ 1]) if page else b""
        stored = zstd(other, 3)
        extra = slice.page_header(len(other), len(stored), values) + stored
        for name, number in ("dictionary", 11), ("data", 9):
            write(
                f"second-{name}-page-{at}",
                build(
                    *(fields, rows, pages),
                    extra=extra,
                    offsets=offsets,
                    twist=lambda f, _, a=at, n=number: of_metadata(
                        f, a, lambda m: put(m, n, "i64", offsets[-1])
                    ),
                ),
            )
        write(f"crc-{at}", build(fields, rows, pages, head=lambda n, h, a=at: h if n != a else h[:-1] + b"\x00\x00"))
        twice = [(p * 2 if n == at else p, v) for n, (p, v) in enumerate(pages)]
        write(f"twice-{at}", build(fields, rows, twice))
        longer = [(p + b"\0" if n == at else p, v) for n, (p, v) in enumerate(pages)]
        write(f"longer-{at}", build(fields, rows, longer))
    print(json.dumps({"written": written}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
