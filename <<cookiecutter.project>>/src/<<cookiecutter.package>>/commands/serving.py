"""``serve``: predictions over HTTP."""

import os
from argparse import Namespace

from ..config import Settings
from .care import refuse_damaged_files

__all__ = ["serve"]


def serve(options: Namespace, settings: Settings) -> int:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when scikit-learn is imported; a row is too little to share
    from ..service.server import run
    from ..service.settings import ServiceSettings

    refuse_damaged_files(settings)  # while it serves, the last good model stays
    return run(settings, ServiceSettings.from_environment(options.host, options.port))
