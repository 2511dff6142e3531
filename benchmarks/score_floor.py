"""The floor of scoring: the same rows through the same model, some at a time, into one Parquet file; nothing else.

python score_floor.py churn_radar ROWS.parquet TARGET.parquet
"""

import sys
from importlib import import_module

import pyarrow as pa
import pyarrow.parquet as pq

AT_ONCE = 100_000


def main(package: str, source: str, target: str) -> None:
    settings = import_module(f"{package}.config").Settings.from_environment()
    releases = import_module(f"{package}.stores.releases").Releases(settings, import_module(package).PRODUCT)
    model = releases.load_champion().model
    columns = import_module(f"{package}.columns").columns_of(import_module(f"{package}.schemas").Features)
    features = list(columns.features)
    writer = None
    for batch in pq.ParquetFile(source).iter_batches(AT_ONCE):
        rows = batch.to_pandas()
        rows["score"] = model.predict_proba(rows[features])[:, 1]
        table = pa.Table.from_pandas(rows, preserve_index=False)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
