"""The HTTP service: responses, limits, API keys, swaps of the champion, signals and the prediction
log.
"""

import asyncio
import io
import json
import logging
import random
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlproduct.clock import today
from mlproduct.errors import ConfigError, DatabaseUnavailable, RegistryUnavailable
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.releases import Releases
from mlproduct.service import follower as following
from mlproduct.service.app import Service, app_of
from mlproduct.service.follower import Follower
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import JsonLines, service_of
from mlproduct.testing import TrialProduct

from ..products import COLUMNS, DAY, a_day, in_log, log, settings, to_score
from ..team import PRODUCT, main
from .services import LoadGenerator, serving, some_rows, wait_until

KEY = "a-key-that-is-long-enough"
WANTED = ServiceSettings.from_environment("127.0.0.1", 0, {})


@pytest.fixture
def service(product: TrialProduct) -> Service:
    return service_of(PRODUCT, settings(), WANTED)


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(app_of(service), raise_server_exceptions=False) as found:
        yield found


def ask(client: Any, rows: Any, **more: Any) -> Any:
    return client.post("/predict", json={"rows": rows, **more})


def test_predictions_have_the_order_and_the_keys_of_their_rows(client: TestClient) -> None:
    rows = some_rows(5)
    response = ask(client, rows)
    assert response.status_code == 200
    content = response.json()
    assert [each["row"] for each in content["predictions"]] == [0, 1, 2, 3, 4]
    assert [each["key"] for each in content["predictions"]] == [row[COLUMNS.key] for row in rows]
    assert content["model"]["version"] == "1"
    assert content["errors"] == []


def test_the_service_and_a_batch_predict_the_same_for_the_same_row(
    product: TrialProduct, client: TestClient
) -> None:
    frame = to_score(product, DAY, a_day(DAY, 300))
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    batch = in_log(DAY, DAY).set_index("key")
    rows = json.loads(
        frame.drop(columns=COLUMNS.target).to_json(orient="records", date_format="iso")
    )
    for some in (rows[:1], rows[1:8], rows[8:]):
        for each in ask(client, some).json()["predictions"]:
            logged = batch.loc[each["key"]]
            # The last digit may differ: the processor adds up one row in another order than many.
            assert each["decision"] == pytest.approx(logged["decision"], rel=1e-12)
            assert "score" not in each or each["score"] == pytest.approx(logged["score"], rel=1e-12)


def test_a_bad_row_fails_the_good_ones_only_with_all_or_nothing(client: TestClient) -> None:
    good, bad = some_rows(2), {**some_rows(1)[0], COLUMNS.numeric[0]: "many"}
    response = ask(client, [good[0], bad, good[1]])
    assert response.status_code == 200
    assert [each["row"] for each in response.json()["predictions"]] == [0, 2]
    assert [(each["row"], each["field"]) for each in response.json()["errors"]] == [
        (1, COLUMNS.numeric[0])
    ]
    refused = ask(client, [good[0], bad, good[1]], all_or_nothing=True)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"][0]["row"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"rows": [NaN]}', 400),
        (b'\xff{"rows": []}', 400),
        (b"[]", 422),
        (b'{"rows": []}', 422),
        (b'{"rows": 5}', 422),
        (b'{"rows": [{}], "more": 1}', 422),
        (b'{"rows": [{}], "all_or_nothing": "yes"}', 422),
        (b'{"rows": [' + b"{}," * 1000 + b"{}]}", 422),
        (b'{"rows": ["' + b"x" * 2_000_000 + b'"]}', 413),
        (b"[" * 100_000, 400),
    ],
)
def test_an_invalid_body_is_refused_with_a_problem_document(
    client: TestClient, body: bytes, status: int
) -> None:
    response = client.post("/predict", content=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_a_body_without_a_length_is_limited_as_well(client: TestClient) -> None:
    response = client.post("/predict", content=(b"x" * 100_000 for _ in range(30)))
    assert response.status_code == 413


def test_fuzzed_rows_get_a_prediction_or_a_refusal_and_never_an_error(client: TestClient) -> None:
    seeded = random.Random(7)
    strange: list[Any] = [None, True, -1, 0, 1e308, 2**70, -0.0, [], {}, [[]], {"a": None}]
    strange += ["", "x", "1", "\u0000", "𝔘", "2026-02-30"]
    for _ in range(400):
        row: Any = some_rows(1)[0]
        for name in seeded.sample(list(row), seeded.randint(0, len(row))):
            row[name] = seeded.choice(strange)
        if seeded.random() < 0.1:
            row = seeded.choice(strange)
        body: Any = {"rows": [row] * seeded.randint(1, 3)}
        if seeded.random() < 0.1:
            body[seeded.choice(["rows", "all_or_nothing", "x"])] = seeded.choice(strange)
        response = client.post("/predict", content=json.dumps(body))
        assert response.status_code in (200, 400, 422), (response.status_code, body)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/predict", 405)]
)
def test_an_unknown_path_or_method_returns_a_problem_document(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


def test_the_openapi_page_shows_the_fields_and_a_valid_example(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"][
        "content"
    ]
    fields = schema["application/json"]["schema"]
    assert set(COLUMNS.features) <= set(fields["properties"]["rows"]["items"]["properties"])
    assert client.post("/predict", json=fields["example"]).status_code == 200
    (header,) = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )


def test_the_documentation_page_loads_only_files_of_the_service(client: TestClient) -> None:
    """The page works without internet access, and no foreign script runs on a page where a user
    enters the API key.
    """
    found = re.findall(r'(?:src|href)="([^"]+)"', client.get("/docs").text)
    assert len(found) == 3
    for address in found:
        assert address.startswith("/docs-files/")
        assert client.get(address).status_code == 200


def test_a_valid_request_id_is_kept_and_an_invalid_one_replaced(client: TestClient) -> None:
    assert (
        client.get("/model", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    )
    assert (
        client.get("/model", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"
    )


def test_metrics_count_good_and_bad_rows(client: TestClient) -> None:
    ask(client, [*some_rows(3), {}])
    text = client.get("/metrics").text
    for line in (
        'rows_total{outcome="good"} 3.0',
        'rows_total{outcome="bad"} 1.0',
        "ready 1.0",
        "model_version 1.0",
    ):
        assert line in text


def test_predictions_need_an_api_key_when_keys_are_set(product: TrialProduct) -> None:
    wanted = ServiceSettings.from_environment(
        "0.0.0.0", 0, {"SERVICE_API_KEYS": f"{KEY}-1, {KEY}-2"}
    )
    with TestClient(app_of(service_of(PRODUCT, settings(), wanted))) as client:
        assert ask(client, some_rows(1)).status_code == 401
        for key, status in (
            (f"{KEY}-2", 200),
            (f"{KEY}-1", 200),
            (KEY, 401),
            ("", 401),
            ("ü" * 20, 401),
        ):
            response = client.post(
                "/predict", json={"rows": some_rows(1)}, headers={"X-API-Key": key.encode()}
            )
            assert response.status_code == status
        assert client.get("/model").status_code == 401
        assert client.get("/health/ready").status_code == 200
        assert client.get("/docs-files/swagger-ui.css").status_code == 200
        page = client.get("/openapi.json").json()
    scheme = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    ((name, described),) = page["components"]["securitySchemes"].items()
    assert described == scheme
    verbs = [(path, verb) for path, each in page["paths"].items() for verb in each.values()]
    needing = {path for path, verb in verbs if "security" in verb}
    assert needing == {"/predict", "/model"}
    assert page["paths"]["/model"]["get"]["security"] == [{name: []}]


def test_a_request_without_a_key_is_refused_before_its_body_is_read(product: TrialProduct) -> None:
    wanted = ServiceSettings.from_environment("0.0.0.0", 0, {"SERVICE_API_KEYS": KEY})

    with TestClient(app_of(service_of(PRODUCT, settings(), wanted))) as client:
        refused = client.post("/predict", content=(part for part in (b"x" * 10**7,) * 3))
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"] == "Send one as X-API-Key."
        assert refused.headers["x-request-id"]
        assert 'requests_total{path="/predict",status="401"} 1.0' in client.get("/metrics").text


def test_the_log_has_json_lines_without_passwords() -> None:
    handler = logging.StreamHandler(text := io.StringIO())
    handler.setFormatter(JsonLines())
    logger = logging.Logger("tried")
    logger.addHandler(handler)
    logger.info("answered", extra={"id": "a1", "status": 200, "rows": None, "ms": 1.25})
    try:
        raise OSError("no host in postgresql://ann:pass-1word@db:5432/x")
    except OSError:
        logger.exception("%s is unavailable", "postgresql://ann:pass-2word@db/x")
    answered, unavailable = map(json.loads, text.getvalue().splitlines())
    moment = datetime.fromisoformat(answered.pop("time"))
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    assert answered == {
        "level": "info",
        "event": "answered",
        "id": "a1",
        "status": 200,
        "rows": None,
        "ms": 1.25,
    }
    assert unavailable["level"] == "error"
    assert "OSError" in unavailable["exception"]
    assert "word@" not in text.getvalue()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_without_api_keys_the_service_binds_only_to_a_loopback_address(host: str) -> None:
    with pytest.raises(ConfigError, match="would accept all requests"):
        ServiceSettings.from_environment(host, 0, {})
    for mine in ("127.0.0.1", "::1", "localhost"):
        ServiceSettings.from_environment(mine, 0, {})


@pytest.mark.parametrize(
    "given",
    [
        {"SERVICE_API_KEYS": "short"},
        {"SERVICE_BODY_BYTES": "many"},
        {"SERVICE_READ_SECONDS": "0"},
        {"SERVICE_CONNECTIONS_AT_MOST": "0"},
    ],
)
def test_invalid_settings_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        ServiceSettings.from_environment("127.0.0.1", 0, given)


def test_the_service_is_live_but_not_ready_without_a_champion(product: TrialProduct) -> None:
    (product.root / "var" / "product.db").unlink()
    wanted = replace(settings(), tracking_uri=f"sqlite:///{product.root / 'var' / 'empty.db'}")
    with TestClient(app_of(service_of(PRODUCT, wanted, WANTED))) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert ask(client, some_rows(1)).status_code == 503


def test_predictions_are_logged_with_their_features_and_without_personal_data(
    product: TrialProduct, service: Service
) -> None:
    rows = [
        {**row, **dict.fromkeys(COLUMNS.private, "someone@example.com")} for row in some_rows(20)
    ]
    with TestClient(app_of(service)) as client:
        ask(client, rows)
    found = in_log(today() - timedelta(days=1), today())
    assert set(found["lane"]) == {"service"}
    assert found["key"].tolist() == [row[COLUMNS.key] for row in rows]
    assert [each[COLUMNS.numeric[0]] for each in found["features"]] == [
        row[COLUMNS.numeric[0]] for row in rows
    ]
    assert "someone@example.com" not in str(found.to_dict())


def swap(to: str) -> None:
    releases = Releases(settings(), PRODUCT.name)
    if releases.champion() != to:
        releases.rollback(by="Ada", because="To test a swap.", to=to)


def test_a_new_champion_is_loaded_and_an_unfit_one_is_refused(
    product: TrialProduct, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TestClient(app_of(service)) as client:
        follower = service.follower
        live = follower.live
        assert live is not None
        broken = replace(live.loaded, version="2")
        monkeypatch.setattr(Releases, "load_champion", lambda self: broken)
        monkeypatch.setattr(Releases, "champion", lambda self: "2")
        monkeypatch.setattr(follower._opened.models, "alias", lambda name: "2")  # type: ignore[union-attr]
        monkeypatch.setattr(following, "unfit", lambda *given: "its scores are not between 0 and 1")
        follower.poll()
        assert ask(client, some_rows(1)).json()["model"]["version"] == "1"
        assert "version 2 was refused and is not loaded" in client.get("/model").json()["trouble"]
        assert client.get("/health/ready").status_code == 200
        monkeypatch.setattr(following, "unfit", lambda *given: None)
        for _ in range(following.AGAIN_AFTER + 1):
            follower.poll()
        assert client.get("/model").json()["version"] == "2"


def test_an_alias_that_contradicts_the_audit_log_is_not_followed(
    product: TrialProduct, service: Service
) -> None:
    with TestClient(app_of(service)) as client:
        opened = service.follower._opened
        assert opened is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened.models, "alias", lambda name: "2")
            service.follower.poll()
        assert client.get("/model").json()["version"] == "1"
        assert "the champion in the audit log is 1" in client.get("/model").json()["trouble"]


@pytest.mark.parametrize("moved", ["2", None])
@pytest.mark.usefixtures("product", "aliases")
def test_a_service_starts_with_the_champion_of_the_audit_log_when_the_alias_differs(
    service: Service,
    moved: str | None,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    releases = Releases(settings(), PRODUCT.name)
    releases.models.point("champion", moved)
    with TestClient(app_of(service)) as client:
        assert client.get("/health/ready").status_code == 200
        reply = client.get("/model").json()
        assert reply["version"] == ask(client, some_rows(1)).json()["model"]["version"] == "1"
        output = (
            f"MLflow's alias champion is on version {moved or 'none'}, the champion in the audit"
            " log is 1"
        )
        assert output in reply["trouble"]
        assert output in caplog.text
        assert "champion_alias_differs 1.0" in client.get("/metrics").text
        assert releases.models.alias("champion") == moved
        main(["doctor"])
        before = f"version {moved}" if moved else "none"
        assert f"MLflow's alias pointed to {before} and was corrected" in capsys.readouterr().out
        assert releases.models.alias("champion") == "1"
        service.follower.poll()
        assert client.get("/model").json()["trouble"] is None
        assert "champion_alias_differs 0.0" in client.get("/metrics").text


def test_an_alias_without_an_audit_log_is_not_a_champion(
    product: TrialProduct, service: Service
) -> None:
    (product.root / "var" / "product.db").unlink()
    with TestClient(app_of(service)) as client:
        reply = client.get("/health/ready")
        assert reply.status_code == 503
        assert (
            reply.json()["because"] == "the registry's alias is on another version"
        )  # a caller without a key learns no more
        assert "the champion in the audit log is none" in str(service.follower.trouble)
        assert "check PRODUCT_DATABASE_URL" in str(service.follower.trouble)


def test_the_last_champion_stays_loaded_while_the_registry_is_down(
    product: TrialProduct, service: Service
) -> None:
    with TestClient(app_of(service)) as client:
        opened = service.follower._opened
        assert opened is not None

        def down(name: str) -> str:
            raise ConnectionError("no route to host")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened.models, "alias", down)
            service.follower.poll()
            assert ask(client, some_rows(1)).status_code == 200
            assert "no route to host" in client.get("/model").json()["trouble"]
        service.follower.poll()
        assert client.get("/model").json()["trouble"] is None


ADDRESSES = [
    "postgresql://127.0.0.1:1/product?user=ada&password=s3cr3t",
    "postgresql://ada:s3cr3t@127.0.0.1:1/product",
    "postgresql://ada:p%40s3cr3t@127.0.0.1:1/product",
    "postgresql://ada:p:s3cr3t@127.0.0.1:1/product",
    "postgresql://ada:p/s3cr3t@127.0.0.1:1/product",
    "postgresql://ada:p@s3cr3t@127.0.0.1:1/product",
    "postgresql://product:product@127.0.0.1:1/product",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_health_reports_an_unavailable_database_without_details(
    product: TrialProduct,
    address: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The health check needs no API key, so it must reveal neither the address nor the password."""
    logger = logging.getLogger(Follower.__module__)
    monkeypatch.setattr(logger.parent, "propagate", True)
    service = service_of(PRODUCT, replace(settings(), database_url=address), WANTED)
    with TestClient(app_of(service)) as client:
        reply = client.get("/health/ready")
    assert reply.status_code == 503
    wrong = "@s3cr3t" in address
    assert reply.json()["because"] == (
        "the configuration is wrong" if wrong else "database unavailable"
    )
    assert "127.0.0.1" not in reply.text
    shown = reply.text + str(service.follower.trouble) + caplog.text
    assert not any(part in shown for part in ("s3cr3t", "product@", ":product"))
    assert "PRODUCT_DATABASE_URL" in caplog.text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda model: setattr(model, "feature_names_in_", ["other"]), "features are not those"),
        (lambda model: setattr(model, "predict_interval", None), None),
    ],
)
def test_unfit_reports_a_model_with_other_features(
    released: TrialProduct, change: Any, complaint: str | None
) -> None:
    releases = released.releases
    loaded = releases.load_champion()
    assert loaded is not None
    _, example = releases.models.reference(releases.models.find("1"))
    assert following.unfit(loaded.model, example, COLUMNS) is None
    if complaint:

        class Other:
            def __init__(self) -> None:
                change(self)

        assert complaint in str(following.unfit(Other(), example, COLUMNS))


def test_unfit_reports_a_model_that_predicts_nan(released: TrialProduct) -> None:
    releases = released.releases
    _, example = releases.models.reference(releases.models.find("1"))

    class Nonsense:
        def predict(self, rows: Any) -> Any:
            return np.full(len(rows), np.nan)

        def predict_proba(self, rows: Any) -> Any:
            return np.full((len(rows), 2), np.nan)

    assert "not one number for each row" in str(following.unfit(Nonsense(), example, COLUMNS))


def ask_with_key(client: Any, rows: Any, key: str = "order-1") -> Any:
    return client.post("/predict", json={"rows": rows}, headers={"Idempotency-Key": key})


def logged() -> list[str]:
    return sorted(in_log(today() - timedelta(days=1), today())["key"])


@pytest.mark.usefixtures("product", "aliases")
def test_a_repeated_request_gets_the_same_response_and_is_logged_once(
    service: Service,
) -> None:
    rows = [*some_rows(3), {}]
    for row in rows:
        # Without a time the row is of now, which is later when the request is repeated.
        row.pop(str(COLUMNS.time), None)
    with (
        TestClient(app_of(service)) as client,
        TestClient(app_of(service_of(PRODUCT, settings(), WANTED))) as other,
    ):
        first = ask_with_key(client, rows)
        assert first.status_code == 200
        assert len(first.json()["predictions"]) == 3
        assert (
            ask_with_key(client, rows).content == ask_with_key(other, rows).content == first.content
        )
        assert [ask_with_key(each, some_rows(1)).status_code for each in (client, other)] == [
            409,
            409,
        ]
        assert ask_with_key(client, rows, "order-2").status_code == 200
        service.follower.stop()
    Releases(settings(), PRODUCT.name).approve("2", by="Ada", because="To test another champion.")
    with TestClient(app_of(service_of(PRODUCT, settings(), WANTED))) as client:
        assert ask(client, rows).json()["model"]["version"] == "2"
        assert ask_with_key(client, rows).content == first.content
    assert logged() == sorted(3 * [row[COLUMNS.key] for row in some_rows(3)])


def test_an_earlier_response_without_classes_needs_no_registry() -> None:
    """The log has all of it, so that MLflow may be down when a client repeats its request."""

    def down() -> Releases:
        raise RegistryUnavailable("MLflow does not respond")

    rows = pd.DataFrame({"decision": [1.0, 0.0], "score": [0.8, 0.1]})
    found = Follower(down, COLUMNS, 1.0).response("7", rows)
    assert found["decision"] == [1.0, 0.0]
    assert found["score"] == [0.8, 0.1]


@pytest.mark.usefixtures("product")
def test_a_response_that_needs_an_unavailable_registry_is_a_503(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*given: Any) -> None:
        raise RegistryUnavailable("MLflow at http://user:secret@host does not respond")

    with TestClient(app_of(service)) as client:
        monkeypatch.setattr(service.follower, "response", down)
        answer = ask_with_key(client, some_rows(1))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "secret" not in answer.text


def test_concurrent_retries_cause_one_prediction(product: TrialProduct) -> None:
    apps = [app_of(service_of(PRODUCT, settings(), WANTED)) for _ in range(2)]
    with TestClient(apps[0]) as first, TestClient(apps[1]) as second, ThreadPoolExecutor(8) as pool:
        reply = list(
            pool.map(lambda n: ask_with_key((first, second)[n % 2], some_rows(2)), range(16))
        )
        plain = list(pool.map(lambda n: ask(first, some_rows(1)).status_code, range(8)))
    assert {each.status_code for each in reply} == {200}
    assert len({each.content for each in reply}) == 1
    assert set(plain) == {200}
    assert len(logged()) == 2 + 8


def test_an_erased_prediction_is_not_repeated_under_its_idempotency_key(
    product: TrialProduct, client: TestClient
) -> None:
    assert ask_with_key(client, some_rows(2)).status_code == 200
    assert main(["forget", some_rows(2)[0][COLUMNS.key], "--by", "Ada"]) == 0
    reply = ask_with_key(client, some_rows(2))
    assert (reply.status_code, reply.json()["title"]) == (409, "Key already used")
    assert "erased" in reply.json()["detail"]
    assert len(logged()) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\t"])
def test_an_invalid_idempotency_key_is_refused(client: TestClient, key: str) -> None:
    reply = ask_with_key(client, some_rows(1), key)
    assert reply.status_code == 422
    assert "Idempotency-Key with 1 to 200" in reply.json()["detail"]


def test_a_request_with_an_idempotency_key_is_refused_while_the_log_is_unavailable(
    product: TrialProduct, service: Service
) -> None:
    unavailable = UnavailableLog()
    service.writer._log = unavailable
    with TestClient(app_of(service)) as client:
        reply = ask_with_key(client, some_rows(2))
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert ask(client, some_rows(1)).status_code == 200
        unavailable.is_unavailable = False
        assert [ask_with_key(client, some_rows(2)).status_code for _ in range(2)] == [200, 200]
    assert len(logged()) == 3


class UnavailableLog:
    """A prediction log that is unavailable until ``is_unavailable`` is false."""

    def __init__(self) -> None:
        self.is_unavailable = True

    def __call__(self) -> PredictionLog:
        if self.is_unavailable:
            raise DatabaseUnavailable("no route to host")
        return log()


def test_no_response_and_no_prediction_is_lost_while_the_database_is_unavailable(
    product: TrialProduct, service: Service
) -> None:
    unavailable = UnavailableLog()
    service.writer._log = unavailable
    with TestClient(app_of(service)) as client:
        for _ in range(3):
            assert ask(client, some_rows(5)).status_code == 200
            wait_until(lambda: service.writer.state.queued == 0)
        wait_until(lambda: service.writer.state.trouble)
        assert service.writer.state.blocks >= 1
        assert "no route to host" in str(service.writer.state.trouble)
        assert client.get("/health/ready").json()["log"] == "database unavailable"
        assert in_log(today(), today()).empty
        unavailable.is_unavailable = False
        wait_until(lambda: service.writer.state.blocks == 0)
        assert service.writer.state.trouble is None
    assert len(in_log(today(), today())) == 15


def test_spooled_predictions_are_recorded_by_the_next_process(
    product: TrialProduct, service: Service
) -> None:
    service.writer._log = UnavailableLog()
    with TestClient(app_of(service)) as client:
        ask(client, some_rows(5))
    assert in_log(today(), today()).empty
    with TestClient(app_of(service_of(PRODUCT, settings(), WANTED))):
        wait_until(lambda: len(in_log(today(), today())) == 5)
    assert main(["forget", some_rows(1)[0][COLUMNS.key], "--by", "Ada"]) == 0
    assert len(in_log(today(), today())) == 4


def test_no_prediction_is_lost_when_the_disk_is_full(
    product: TrialProduct, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, path: Any, content: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(service.writer.spool), "_write", full)
    with TestClient(app_of(service)) as client:
        assert ask(client, some_rows(5)).status_code == 200
        wait_until(lambda: service.writer.state.recorded == 5)
        assert "No space left" in client.get("/health/ready").json()["log"]
    assert len(in_log(today(), today())) == 5


def test_lost_rows_are_reported_when_disk_and_database_are_unavailable(
    product: TrialProduct,
) -> None:
    small = service_of(PRODUCT, settings(), replace(WANTED, queue_rows=8, spool_megabytes=0))
    unavailable = UnavailableLog()
    small.writer._log = unavailable
    with TestClient(app_of(small)) as client:
        for _ in range(3):
            assert ask(client, some_rows(5)).status_code == 200
        assert small.writer.state.lost == 10
        assert "rows were lost" in client.get("/health/ready").json()["log"]
        unavailable.is_unavailable = False
        wait_until(lambda: small.writer.state.recorded == 5)
    assert len(in_log(today(), today())) == 5


def test_two_services_on_one_folder_record_every_block_once(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both services list each block, and one of them finds it deleted."""
    listed, both = Path.glob, Barrier(2)

    def together(path: Path, pattern: str) -> list[Path]:
        found = list(listed(path, pattern))
        if found and threading.current_thread().name == "log-deliver":
            with suppress(threading.BrokenBarrierError):
                both.wait(0.1)
        return found

    monkeypatch.setattr(Path, "glob", together)
    apps = [app_of(service_of(PRODUCT, settings(), WANTED)) for _ in range(2)]
    with TestClient(apps[0]) as first, TestClient(apps[1]) as second:
        for number in range(30):
            rows = [
                {**row, COLUMNS.key: f"asked-{number}-{place}"}
                for place, row in enumerate(some_rows(2))
            ]
            for client in (first, second):
                assert ask(client, rows).status_code == 200
                assert [client.get(path).status_code for path in ("/health/ready", "/metrics")] == [
                    200,
                    200,
                ]
        wait_until(lambda: len(in_log(today() - timedelta(days=1), today())) == 120)
        assert [client.get("/health/ready").json()["log"] for client in (first, second)] == [
            None,
            None,
        ]


def test_delivery_continues_after_a_file_that_cannot_be_deleted(
    product: TrialProduct, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_unlink(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    with TestClient(app_of(service)) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", failing_unlink)
            ask(client, some_rows(2))
            wait_until(lambda: "Permission denied" in str(service.writer.state.trouble))
        wait_until(lambda: service.writer.state.blocks == 0)
        assert service.writer.state.trouble is None
    assert len(in_log(today() - timedelta(days=1), today())) == 2


def test_a_batch_that_cannot_be_logged_is_counted_as_lost_and_the_next_is_logged(
    product: TrialProduct, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that gathers predictions must not end: all later ones would be lost unnoticed."""
    make, made = service.writer.block_of, []

    def fails_once(*arguments: Any, **more: Any) -> Any:
        made.append(1)
        if len(made) == 1:
            raise ValueError("no such column in postgresql://ann:pass-1word@db/x")
        return make(*arguments, **more)

    monkeypatch.setattr(service.writer, "block_of", fails_once)
    with TestClient(app_of(service)) as client:
        ask(client, some_rows(2))
        wait_until(lambda: service.writer.state.lost == 2)
        assert "rows were lost" in str(service.writer.state.outage)
        assert "word@" not in str(service.writer.state.trouble)
        ask(client, some_rows(3))
        wait_until(lambda: service.writer.state.recorded == 3)
    assert service.writer.state.queued == 0


def test_an_invalid_spooled_file_is_moved_to_refused(
    product: TrialProduct, service: Service
) -> None:
    spool = service.writer.spool
    spool.folder.mkdir(parents=True)
    (spool.folder / "service-0.json").write_text("{")
    with TestClient(app_of(service)) as client:
        ask(client, some_rows(2))
        wait_until(lambda: service.writer.state.recorded == 2)
    assert [path.name for path in (spool.folder / "refused").iterdir()] == ["service-0.json"]


def test_a_stopping_service_is_not_ready_still_responds_and_exits_with_0(
    product: TrialProduct,
) -> None:
    with serving(settings(), SERVICE_DRAIN_SECONDS="2") as process:
        process.wait_until(process.is_ready)
        process.process.terminate()
        process.wait_until(
            lambda: httpx.get(f"{process.url}/health/ready", timeout=5).status_code == 503, 5
        )
        response = httpx.post(f"{process.url}/predict", json={"rows": some_rows(3)}, timeout=30)
        assert response.status_code == 200
        assert response.headers["connection"] == "close"
        assert process.process.wait(60) == 0
        log_lines = process.errors.read_text()
    assert '"event":"answered"' in log_lines
    assert some_rows(1)[0][COLUMNS.key] not in log_lines
    assert len(in_log(today() - timedelta(days=1), today())) == 3


@pytest.mark.parametrize(
    ("requests", "swaps"), [(5_000, 2), pytest.param(50_000, 10, marks=pytest.mark.long)]
)
@pytest.mark.usefixtures("product", "aliases")
def test_no_request_fails_during_swaps_of_the_champion(requests: int, swaps: int) -> None:
    Releases(settings(), PRODUCT.name).approve("2", by="Ada", because="To test two champions.")
    with serving(settings()) as process:
        process.wait_until(process.is_ready)
        clients = LoadGenerator(process.port, json.dumps({"rows": some_rows(1)}).encode())

        async def load_and_swaps() -> None:
            running = asyncio.create_task(clients.run(10**9, 16))
            for number in range(swaps):
                goal = "1" if number % 2 == 0 else "2"
                await asyncio.to_thread(swap, goal)
                await asyncio.to_thread(
                    process.wait_until, lambda goal=goal: process.version() == goal
                )
            while sum(clients.statuses.values()) < requests:
                await asyncio.sleep(0.1)
            clients.stopped = True
            await running

        asyncio.run(load_and_swaps())
        assert process.stop() == 0
    assert clients.failures == []
    assert set(clients.statuses) == {200}
    assert clients.statuses[200] >= requests
    assert clients.versions == {"1", "2"}
    logged = in_log(today() - timedelta(days=1), today())
    assert len(logged) == clients.statuses[200]


def test_no_request_is_lost_when_the_service_stops_under_load(product: TrialProduct) -> None:
    with serving(settings()) as process:
        process.wait_until(process.is_ready)
        clients = LoadGenerator(process.port, json.dumps({"rows": some_rows(1)}).encode())

        async def load_and_swaps() -> None:
            running = asyncio.create_task(clients.run(10**9, 16))
            while sum(clients.statuses.values()) < 500:
                await asyncio.sleep(0.05)
            process.process.terminate()
            while (
                process.is_ready()
            ):  # like a load balancer, which sends no requests to a service that is not ready
                await asyncio.sleep(0.02)
            clients.stopped = True
            await running

        asyncio.run(load_and_swaps())
        assert process.process.wait(60) == 0
    assert clients.failures == []
    assert set(clients.statuses) == {200}
