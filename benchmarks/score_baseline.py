"""The baseline of scoring: the same model scores the same rows, in batches, to one Parquet file.

python score_baseline.py churn_radar ROWS.parquet TARGET.parquet
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
from mlproduct.config.settings import Settings
from mlproduct.product import load_product
from mlproduct.registry.releases import Releases

BATCH_ROWS = 100_000


def main(package: str, source: str, target: str) -> None:
    product = load_product(package)
    model = Releases(Settings.from_environment(), product.name).load_champion().model
    features = list(product.feature_columns.features)
    writer = None
    for batch in pq.ParquetFile(source).iter_batches(BATCH_ROWS):
        rows = batch.to_pandas()
        rows["score"] = model.predict_proba(rows[features])[:, 1]
        table = pa.Table.from_pandas(rows, preserve_index=False)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
