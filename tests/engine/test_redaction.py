"""What is taken out of every text that people and logs get to see. Can run before anything was
trained.
"""

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
    f"client-secret={SECRET}",
    f"token={SECRET}",
    f"Authorization: Bearer {SECRET}{SECRET}",
    f"X-API-Key: {SECRET}",
    json.dumps({"password": SECRET, "user": "ada"}),
    str({"password": f"p '{SECRET}", "token": SECRET}),
    f"failed to resolve host '{SECRET}@db': Name or service not known",
]


@pytest.mark.parametrize("text", FORMS)
def test_no_form_of_a_secret_is_left(text: str) -> None:
    for shown in (redacted(text), redacted(f"before {text} after"), redacted(redacted(text))):
        assert SECRET not in shown


@pytest.mark.parametrize("text", FORMS)
def test_neither_an_error_nor_its_summary_shows_a_secret(text: str) -> None:
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
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_what_is_left_of_an_address_says_where_it_leads() -> None:
    assert redacted(f"see postgresql://ada:{SECRET}@db:5432/product?password={SECRET}, now") == (
        "see postgresql://db:5432/product, now"
    )


def test_a_long_text_is_gone_through_in_no_time() -> None:
    began = time.perf_counter()
    for long in ("a" * 300_000, "a:" * 3_000, "token " * 30_000, "x." * 100_000):
        assert redacted(long) == long
    assert time.perf_counter() - began < 5


def test_a_password_that_is_also_the_name_of_the_database_gives_nothing_away() -> None:
    output = redacted('postgresql://product:product@db/product: database "product" does not exist')
    assert output == 'postgresql://db/product: database "product" does not exist'


def test_the_text_of_sqlalchemy_loses_its_secrets() -> None:
    url = f"postgresql+psycopg://127.0.0.1:1/product?user=ada&password={SECRET}&options=-c%20x"
    problem = sa.exc.OperationalError(
        f"connect {url}", {"password": SECRET}, OSError(f"no answer from {url}")
    )
    assert SECRET in str(problem)
    assert SECRET not in redacted(problem)
