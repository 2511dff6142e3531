"""The baseline of serving: FastAPI and the same model, with a pandas table for each request.

    python serve_baseline.py PACKAGE PORT

It has no validation, prediction log, metrics or API keys, and does not follow the champion.
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
async def predict(body: dict[str, Any]) -> dict[str, Any]:
    rows = pd.DataFrame(body["rows"])[features]
    return {"scores": loaded.model.predict_proba(rows)[:, 1].tolist()}


@app.get("/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


uvicorn.run(app, port=port, access_log=False)
