"""The current date, which a rehearsal may override and a team's gate may not."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from mlproduct.clock import now, today
from mlproduct.config.settings import Settings
from mlproduct.errors import ConfigError


def test_today_is_the_date_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRODUCT_TODAY", raising=False)
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60
    assert today() in {datetime.now(UTC).date(), now().date()}


def test_product_today_overrides_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCT_TODAY", "2027-02-28")
    assert today() == now().date() == date(2027, 2, 28)


def test_an_invalid_product_today_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCT_TODAY", "yesterday")
    with pytest.raises(ConfigError, match="'yesterday' – expected a date"):
        today()


def test_a_rehearsal_is_allowed_on_local_files(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"PRODUCT_ROOT": str(tmp_path), "PRODUCT_TODAY": "2027-02-28"}
    )
    assert settings.are_local


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL"])
@pytest.mark.parametrize(
    "where", ["http://mlflow:5000", "postgresql://host/product", "sqlite:////srv/team.db"]
)
def test_a_rehearsal_is_refused_on_shared_stores(tmp_path: Path, name: str, where: str) -> None:
    environ = {"PRODUCT_ROOT": str(tmp_path), "PRODUCT_TODAY": "2027-02-28", name: where}
    with pytest.raises(ConfigError, match="rehearsal"):
        Settings.from_environment(environ)
    assert Settings.from_environment(environ | {"PRODUCT_TODAY": ""}).root == tmp_path


def test_a_database_outside_the_products_folder_is_not_local(tmp_path: Path) -> None:
    outside = f"sqlite:///{tmp_path}/var/../../team.db"
    environ = {
        "PRODUCT_ROOT": str(tmp_path),
        "PRODUCT_TODAY": "2027-02-28",
        "PRODUCT_DATABASE_URL": outside,
    }
    with pytest.raises(ConfigError, match="rehearsal"):
        Settings.from_environment(environ)
