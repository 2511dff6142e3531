"""The floor of serving: FastAPI, the same model, a table of pandas for each request, and nothing
else.

    python serve_floor.py PACKAGE PORT

No validation, no prediction log, no metrics, no keys, nobody who follows the champion.
"""

import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import uvicorn
from fastapi import FastAPI
from mlproduct.config.settings import Settings
from mlproduct.product import load_product
from mlproduct.registry.releases import Releases

package, port = sys.argv[1], int(sys.argv[2])
product = load_product(package)
releases = Releases(Settings.from_environment(), product.name)
loaded = releases.load_champion()
features = list(product.feature_columns.features)
app = FastAPI()


@app.post("/predict")
async def predict(asked: dict[str, Any]) -> dict[str, Any]:
    rows = pd.DataFrame(asked["rows"])[features]
    return {"scores": loaded.model.predict_proba(rows)[:, 1].tolist()}


@app.get("/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


uvicorn.run(app, port=port, access_log=False)
