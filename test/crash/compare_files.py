"""Compares files of a topic with the topic, by readers that know nothing of Drover: DuckDB joins them, pyarrow reads them
once more, and both columns by columns. `topic.json` has a record on each line: shard (partition), place (offset), line.
Prints one line of JSON.
"""

import glob
import json
import os
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.json
import pyarrow.parquet

folder, kind = sys.argv[1], sys.argv[2]
paths = sorted(glob.glob(os.path.join(folder, kind, "*")))
columns = ["shard", "place", "line"]
types = "{shard: 'INTEGER', place: 'BIGINT', line: 'VARCHAR'}"
schema = pyarrow.schema([("shard", "int32"), ("place", "int64"), ("line", "string")])

if not paths:
    print(json.dumps({"rows": 0, "files": 0}))
    sys.exit()

database = duckdb.connect()
pattern = os.path.join(folder, kind, "*")
readers = {
    "parquet": f"read_parquet('{pattern}', filename = true)",
    "json": f"read_json('{pattern}', format = 'newline_delimited', columns = {types}, filename = true)",
}
database.execute(f"create table files as select shard, place, line, filename from {readers[kind]}")
database.execute(
    f"create table topic as select * from read_json('{folder}/topic.json', format = 'newline_delimited', columns = {types})"
)


def count(query):
    return database.execute(f"select count(*) from {query}").fetchone()[0]


def by_arrow(path):
    if kind == "parquet":
        table = pyarrow.parquet.ParquetFile(path).read()
    else:
        table = pyarrow.json.read_json(path)
    return table.select(columns).cast(schema)


def ordered(table):
    return table.sort_by([("shard", "ascending"), ("place", "ascending"), ("line", "ascending")]).combine_chunks()


options = pyarrow.json.ParseOptions(explicit_schema=schema)
topic = pyarrow.json.read_json(os.path.join(folder, "topic.json"), parse_options=options)
found = pyarrow.concat_tables([by_arrow(path) for path in paths])
result = {
    "rows": count("files"),
    "files": len(paths),
    "missing": count("topic anti join files using (shard, place, line)"),
    "strange": count("files anti join topic using (shard, place, line)"),
    "twice": count("(select shard, place from files group by all having count(*) > 1)"),
    "equal": ordered(found).equals(ordered(topic.select(columns))),
}
print(json.dumps(result))
