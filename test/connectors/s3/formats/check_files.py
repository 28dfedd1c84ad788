"""Reads files that the S3 sink's writers have made, with other people's readers, and compares every cell.

The records are those of test/connectors/s3/formats/write.ts. Prints one line of JSON.
"""

import datetime
import json
import sys
from decimal import Decimal

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


seen = []
for codec in ["none", "gzip", "snappy", "zstd"]:
    compare(codec, pyarrow.parquet.read_table(f"{folder}/{codec}.parquet").to_pylist())
    seen.append(f"{codec}.parquet")
for codec in ["none", "gzip", "snappy"]:
    with open(f"{folder}/{codec}.avro", "rb") as file:
        compare(codec, fastavro.reader(file))
    seen.append(f"{codec}.avro")
sums = "count(*), sum(id::hugeint)::varchar, count(note), min(name), max(name)"
ids = str(sum(i * 1_000_000_000_000_003 for i in range(count)))
for name in ["none.parquet", "zstd.parquet", "lines.json", "lines.json.gz", "lines.json.zst", "rows.csv", "rows.csv.gz"]:
    [row] = duckdb.sql(f"select {sums} from '{folder}/{name}'").fetchall()
    assert row[:3] == (count, ids, len([i for i in range(count) if i % 3 == 0])), (name, row)
    seen.append(f"duckdb {name}")
print(json.dumps(seen))
