"""The floor of serving: FastAPI, the same model, a table of pandas for each request, and nothing else.

    python serve_floor.py PACKAGE PORT

No validation, no prediction log, no metrics, no keys, nobody who follows the champion.
"""

import os
import sys
from importlib import import_module
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import uvicorn
from fastapi import FastAPI

package, port = sys.argv[1], int(sys.argv[2])
settings = import_module(f"{package}.config").Settings.from_environment()
releases = import_module(f"{package}.stores.releases").Releases(settings, import_module(package).PRODUCT)
loaded = releases.load_champion()
features = list(import_module(f"{package}.columns").columns_of(import_module(f"{package}.schemas").Features).features)
app = FastAPI()


@app.post("/predict")
async def predict(asked: dict[str, Any]) -> dict[str, Any]:
    rows = pd.DataFrame(asked["rows"])[features]
    return {"scores": loaded.model.predict_proba(rows)[:, 1].tolist()}


@app.get("/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


uvicorn.run(app, port=port, access_log=False)
