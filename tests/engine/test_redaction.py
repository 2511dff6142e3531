"""Redaction of secrets from every text that is shown or logged."""

import json
import time

import pytest
import sqlalchemy as sa
from mlproduct.data.source_errors import one_line
from mlproduct.errors import ConfigError, InvalidData, ProductError
from mlproduct.evaluation.bootstrap import in_words
from mlproduct.redaction import redacted

SECRET = "s3cr3t"
FORMS = [
    f"postgresql://ada:{SECRET}@db:5432/product",
    f"postgresql+psycopg://ada:%40{SECRET}%2F@db/product",
    f"postgresql://ada:p@{SECRET}@db/product",
    f"postgresql://ada:p:{SECRET}@db/product",
    f"postgresql://ada:p/{SECRET}@db/product",
    f"postgresql://ada:p?{SECRET}#@db/product",
    f"postgresql://:{SECRET}@db/product",
    f"postgresql://db/product?user=ada&password={SECRET}&sslmode=require",
    f"postgresql://db/product?sslmode=require&sslpassword={SECRET}",
    f"https://{SECRET}@host/rows.csv",
    f"https://host/rows.csv?X-Amz-Signature={SECRET}",
    f"https://host/#access_token={SECRET}",
    f"(https://ada:{SECRET}@host/rows.csv?token={SECRET})",
    f"ada:{SECRET}@host",
    f"ada:p@{SECRET}@host",
    f"https://hooks.slack.com/services/T0/B0/{SECRET}",
    f"host=db password={SECRET} dbname=product",
    f"host=db password='p w {SECRET}' dbname=product",
    f"host=db password='it\\'s {SECRET}' dbname=product",
    f"host=db password = '{SECRET}",
    f'password="p w {SECRET}"',
    f"PGPASSWORD={SECRET} psql",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"api_key={SECRET}, retries=3",
    f"apikey: {SECRET}",
    f"SERVICE_API_KEYS={SECRET},{SECRET}",
    f"PRODUCT_SIGNING_KEY={SECRET}",
    f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI{SECRET}+/=\n-----END PRIVATE KEY-----",
    f"client-secret={SECRET}",
    f"token={SECRET}",
    f"Authorization: Bearer {SECRET}{SECRET}",
    f"X-API-Key: {SECRET}",
    json.dumps({"password": SECRET, "user": "ada"}),
    str({"password": f"p '{SECRET}", "token": SECRET}),
    f"failed to resolve host '{SECRET}@db': Name or service not known",
]


@pytest.mark.parametrize("text", FORMS)
def test_redacted_removes_every_form_of_a_secret(text: str) -> None:
    for shown in (redacted(text), redacted(f"before {text} after"), redacted(redacted(text))):
        assert SECRET not in shown


@pytest.mark.parametrize("text", FORMS)
def test_errors_and_their_summaries_show_no_secret(text: str) -> None:
    for error in (ProductError(text), ConfigError(text), InvalidData(text)):
        assert SECRET not in f"{error} {error!r}"
    assert SECRET not in in_words(ValueError(text)) + in_words(OSError(text)) + one_line(
        OSError(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "version 3 was compared with no champion, but the champion is now version 1 – train again",
        "Whom do we call? Retention <retention@example.com> at 12:30.",
        "http://127.0.0.1:5000 reported: no such run – check MLFLOW_TRACKING_USERNAME, its password"
        " and rights",
        "s3://bucket/rows-?.parquet",
        "sqlite:////srv/a@b/var/product.db",
        "config/pipeline.yaml:12: source: found a tab",
        'password authentication failed for user "ada"',
    ],
)
def test_redacted_keeps_a_text_without_a_secret(text: str) -> None:
    assert redacted(text) == text


def test_a_redacted_address_keeps_its_host_and_path() -> None:
    assert redacted(f"see postgresql://ada:{SECRET}@db:5432/product?password={SECRET}, now") == (
        "see postgresql://db:5432/product, now"
    )


def test_redacted_is_fast_on_long_texts() -> None:
    began = time.perf_counter()
    for long in ("a" * 300_000, "a:" * 3_000, "token " * 30_000, "x." * 100_000):
        assert redacted(long) == long
    assert time.perf_counter() - began < 5


def test_redacted_handles_a_password_equal_to_the_database_name() -> None:
    output = redacted('postgresql://product:product@db/product: database "product" does not exist')
    assert output == 'postgresql://db/product: database "product" does not exist'


def test_redacted_removes_the_secrets_of_an_sqlalchemy_error() -> None:
    url = f"postgresql+psycopg://127.0.0.1:1/product?user=ada&password={SECRET}&options=-c%20x"
    problem = sa.exc.OperationalError(
        f"connect {url}", {"password": SECRET}, OSError(f"no answer from {url}")
    )
    assert SECRET in str(problem)
    assert SECRET not in redacted(problem)
