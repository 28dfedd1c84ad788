"""Reads files that the S3 sink's writers have made, with other people's readers, and compares every cell.

The records are those of test/connectors/s3/formats/write.ts. Prints one line of JSON.
"""

import base64
import csv
import datetime
import gzip
import io
import json
import struct
import sys
from decimal import Decimal

import cramjam
import duckdb
import fastavro
import pyarrow
import pyarrow.parquet

folder, count = sys.argv[1], int(sys.argv[2])


def wanted(i):
    return {
        "id": i * 1_000_000_000_000_003,
        "name": f'näme "{i}", x\ny',
        "note": f"note {i}" if i % 3 == 0 else None,
        "price": Decimal(i * 12_345_678_901 - 500).scaleb(-4),
        "ratio": i / 7,
        "ok": i % 2 == 0,
        "at": 1_700_000_000_000 + i,
        "day": datetime.date(1970, 1, 1) + datetime.timedelta(days=i),
        "raw": bytes([i & 255, 0, 255]),
        "in": {"a": i, "b": "b" if i % 2 == 0 else None},
        "tags": [f"t{i}", "u"],
        "attrs": None if i % 5 == 0 else {"x": i},
    }


def plain(row):
    row = dict(row)
    row["at"] = round(row["at"].timestamp() * 1000)
    row["attrs"] = None if row["attrs"] is None else dict(row["attrs"])
    return row


def compare(name, rows):
    rows = [plain(row) for row in rows]
    assert len(rows) == count, (name, len(rows))
    for i, row in enumerate(rows):
        assert row == wanted(i), (name, i, row, wanted(i))


def by_csv(text):
    """Cells of other types than text are texts too: a null is an empty cell without quotes, which this reader cannot tell."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        row = dict(row)
        at = datetime.datetime.fromisoformat(row["at"])
        row |= {name: row[name] or None for name in ("note", "attrs")}
        row |= {name: json.loads(row[name]) for name in ("in", "tags")}
        row |= {"id": int(row["id"]), "price": Decimal(row["price"]), "ratio": float(row["ratio"])}
        row |= {"ok": row["ok"] == "true", "raw": base64.b64decode(row["raw"])}
        row |= {"at": at, "day": datetime.datetime.fromisoformat(row["day"]).date()}
        yield row | {"attrs": row["attrs"] and json.loads(row["attrs"])}


def by_json(rows):
    epoch = datetime.date(1970, 1, 1)
    for row in rows:
        at = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(milliseconds=row["at"])
        day = epoch + datetime.timedelta(days=row["day"])
        yield row | {"at": at, "day": day, "raw": base64.b64decode(row["raw"]), "ratio": float(row["ratio"])}


def unsnappy(file):
    """As snappy-java reads its streams: a header of sixteen bytes, then blocks, each behind its length."""
    assert file[:8] == b"\x82SNAPPY\0", file[:16]
    text, at = b"", 16
    while at < len(file):
        (length,) = struct.unpack_from(">i", file, at)
        text += bytes(cramjam.snappy.decompress_raw(file[at + 4 : at + 4 + length]))
        at += 4 + length
    return text


def unzstd(file):
    return pyarrow.CompressedInputStream(pyarrow.BufferReader(file), "zstd").read()


unpackers = {"none": bytes, "gzip": gzip.decompress, "snappy": unsnappy, "zstd": unzstd}


def avro_zstandard(file):
    """fastavro leaves this codec to a package that is another's."""
    length, shift = 0, 0
    while True:
        (byte,) = file.read(1)
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return io.BytesIO(bytes(cramjam.zstd.decompress(file.read(length >> 1))))


fastavro.read.BLOCK_READERS["zstandard"] = avro_zstandard

seen = []
for codec, unpack in unpackers.items():
    compare(f"{codec}.parquet", pyarrow.parquet.read_table(f"{folder}/{codec}.parquet").to_pylist())
    with open(f"{folder}/{codec}.avro", "rb") as file:
        compare(f"{codec}.avro", fastavro.reader(file))
    texts = {}
    for kind in ["jsonl", "json", "csv", "bytes"]:
        with open(f"{folder}/{codec}.{kind}", "rb") as file:
            texts[kind] = unpack(file.read()).decode()
    lines = [json.loads(line, parse_float=Decimal) for line in texts["jsonl"].removesuffix("\n").split("\n")]
    compare(f"{codec}.jsonl", by_json(lines))
    compare(f"{codec}.json", by_json(json.loads(texts["json"], parse_float=Decimal)))
    compare(f"{codec}.csv", by_csv(texts["csv"]))
    assert texts["bytes"] == "".join(f"k{i}|" for i in range(count)), codec
    seen += [f"{codec}.{kind}" for kind in ["parquet", "avro", *texts]]
sums = "count(*), sum(id::hugeint)::varchar, count(note), min(name), max(name)"
ids = str(sum(i * 1_000_000_000_000_003 for i in range(count)))
readers = {
    "none.parquet": "",
    "zstd.parquet": "",
    "none.jsonl": "",
    "gzip.jsonl": ", compression = 'gzip'",
    "zstd.jsonl": ", compression = 'zstd'",
    "none.csv": "",
    "gzip.csv": ", compression = 'gzip'",
}
for name, options in readers.items():
    kind = name.split(".")[1].replace("jsonl", "json")
    [row] = duckdb.sql(f"select {sums} from read_{kind}('{folder}/{name}'{options})").fetchall()
    assert row[:3] == (count, ids, len([i for i in range(count) if i % 3 == 0])), (name, row)
    seen.append(f"duckdb {name}")
print(json.dumps(seen))
