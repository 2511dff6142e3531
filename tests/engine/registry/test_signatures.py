"""Signatures of verdicts: what is refused if a public key is configured."""

import base64
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from mlproduct.config.settings import Settings
from mlproduct.errors import ConfigError, Refused
from mlproduct.gate.document import Document
from mlproduct.registry.model_files import save
from mlproduct.registry.runs import Runs
from mlproduct.registry.signatures import COVERED, TAG, create_keys, signing_key
from mlproduct.registry.versions import Saved
from mlproduct.service.follower import Follower

from .test_releases import artifact, edit
from .trial_releases import PIPELINE, Trial, criteria, fitted, rows

NOT_SIGNED = r"^version \d is not signed – expected .* – train again [^\n]*$"
NOT_VALID = r"^the signature of version \d is not valid [^\n]* – expected .* – train again[^\n]*$"


def in_one_line(pem: bytes) -> str:
    return "".join(pem.decode().splitlines()[1:-1])


def pair(seed: int = 7) -> dict[str, Any]:
    """The two settings of a pair of keys, as base64 in one line."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"signing_key": in_one_line(private), "public_key": in_one_line(public)}


def with_keys(trial: Trial, **keys: Any) -> Trial:
    """The same product, in the environment of a process with these keys."""
    return Trial(replace(trial.settings, **keys), trial.product, trial.saved)


@pytest.fixture
def job(trial: Trial) -> Trial:
    """The training job, which has both keys."""
    return with_keys(trial, **pair())


@pytest.fixture
def outside(trial: Trial) -> Trial:
    """Every other process, which has the public key only."""
    return with_keys(trial, public_key=pair()["public_key"])


@pytest.fixture
def bad(tmp_path: Path) -> Saved:
    """A model that learned from random labels."""
    return save(fitted(8), tmp_path / "bad", features=rows(), training_rows=np.zeros(1))


def copied(job: Trial, bad: Saved) -> Document:
    """The document of a good training with its measurements, for a bad model."""
    runs = Runs(job.settings, job.product)
    run = runs.open(criteria(), PIPELINE)
    document = job.document(run)
    assert document.model is not None
    document = document.model_copy(
        update={"model": document.model.model_copy(update={"digest": bad.digest})}
    )
    runs.record(run, document, scorecard_html="", scorecard_markdown="")
    return document


def tag(trial: Trial, version: str, name: str, value: str) -> None:
    """Changes a tag of the version with MLflow's own client."""
    models = trial.releases.models
    models.client.set_model_version_tag(models.name, version, name, value)


def refused_everywhere(trial: Trial, version: str, message: str) -> None:
    """Approval, promotion, loading and verification of the version are refused with ``message``."""
    before = trial.champion, trial.trail
    for attempt in (
        lambda: trial.approve(version),
        lambda: trial.releases.promote_automatically(version),
        lambda: trial.releases.models.load(version),
    ):
        with pytest.raises(Refused, match=message):
            attempt()
    (problem,) = trial.releases.verify(version)
    with pytest.raises(Refused, match=message):
        raise Refused(problem)
    assert (trial.champion, trial.trail) == before


def test_a_signed_version_is_released_loaded_and_verified(job: Trial, outside: Trial) -> None:
    for _ in range(2):
        outside.approve(job.trained())
    assert outside.releases.rollback(by="Ada", because="Complaints.").version == "1"
    loaded = outside.releases.load_champion()
    assert loaded is not None
    assert loaded.version == "1"
    assert outside.releases.verify("1") == outside.releases.verify("2") == ()


def test_the_gate_promotes_a_signed_version(job: Trial, outside: Trial) -> None:
    version = job.trained(criteria=criteria(approval="automatic"))
    assert outside.releases.promote_automatically(version).version == version


def test_without_signatures_a_bad_model_with_copied_measurements_is_released(
    trial: Trial, bad: Saved
) -> None:
    """What signatures are for: every digest of this version matches."""
    version = trial.releases.models.register(copied(trial, bad), bad, scorecard_markdown="")
    trial.approve(version)
    assert trial.releases.verify(version) == ()
    assert TAG not in trial.releases.models.find(version).tags


def test_registration_without_the_private_key_is_refused(
    job: Trial, outside: Trial, bad: Saved
) -> None:
    outside.approve(job.trained())
    with pytest.raises(Refused, match=r"^PRODUCT_SIGNING_KEY is not set – .*only signed versions"):
        outside.releases.models.register(copied(outside, bad), bad, scorecard_markdown="")
    assert [version.number for version in outside.releases.models.versions()] == ["1"]
    assert outside.champion == "1"


def test_a_bad_model_written_with_mlflow_and_a_stolen_signature_is_refused(
    trial: Trial, job: Trial, outside: Trial, bad: Saved
) -> None:
    outside.approve(job.trained())
    stolen = outside.releases.models.find("1").tags[TAG]
    # An attacker does not configure the public key, and so registers what they want.
    version = trial.releases.models.register(copied(trial, bad), bad, scorecard_markdown="")
    refused_everywhere(outside, version, NOT_SIGNED)
    tag(trial, version, TAG, stolen)
    refused_everywhere(outside, version, NOT_VALID)
    for nonsense in ("", "no base64", "\u00e9", base64.b64encode(b"short").decode()):
        tag(trial, version, TAG, nonsense)
        refused_everywhere(outside, version, NOT_VALID)


def test_an_unsigned_champion_is_neither_served_nor_returned_to(
    trial: Trial, job: Trial, outside: Trial
) -> None:
    trial.approve(trial.trained())
    with pytest.raises(Refused, match=NOT_SIGNED):
        outside.releases.load_champion()
    follower = Follower(lambda: outside.releases, columns=None, every=60)  # type: ignore[arg-type]
    follower.poll()
    assert follower.live is None
    assert "version 1 is not signed" in str(follower.trouble)
    outside.approve(job.trained())
    with pytest.raises(Refused, match=NOT_SIGNED):
        outside.releases.rollback(by="Ada", because="Complaints.")
    assert outside.champion == "2"


def test_a_document_that_was_changed_together_with_its_tag_is_refused(
    job: Trial, outside: Trial
) -> None:
    version = job.trained()
    path = artifact(outside, version, "decision.json")
    edit(path, '"rejected": 2', '"rejected": 1')
    changed = Document.from_json(path.read_text(encoding="utf-8"))
    tag(outside, version, "decision_digest", changed.digest)
    refused_everywhere(outside, version, NOT_VALID)


@pytest.mark.parametrize("name", COVERED[1:])
def test_a_file_beside_the_model_that_was_replaced_with_its_tag_is_refused(
    job: Trial, outside: Trial, name: str
) -> None:
    version = job.trained()
    tag(outside, version, name, "0" * 64)
    refused_everywhere(outside, version, NOT_VALID)


def test_a_signature_by_another_key_is_refused(trial: Trial, outside: Trial) -> None:
    version = with_keys(trial, **pair(8)).trained()
    refused_everywhere(outside, version, NOT_VALID)


def test_a_signature_of_another_product_is_refused(trial: Trial, outside: Trial) -> None:
    # The same document and model: only the name in the signature differs.
    other = Trial(replace(trial.settings, **pair()), f"{trial.product} too", trial.saved)
    document = trial.recorded()
    number = other.releases.models.register(document, trial.saved, scorecard_markdown="")
    version = trial.releases.models.register(document, trial.saved, scorecard_markdown="")
    tag(trial, version, TAG, other.releases.models.find(number).tags[TAG])
    refused_everywhere(outside, version, NOT_VALID)


def test_a_private_key_of_another_pair_is_refused_before_it_signs(trial: Trial) -> None:
    mixed = with_keys(trial, **pair() | {"signing_key": pair(8)["signing_key"]})
    with pytest.raises(Refused, match="PRODUCT_SIGNING_KEY does not belong to PRODUCT_PUBLIC_KEY"):
        mixed.trained()
    assert trial.releases.models.versions() == ()


def test_two_public_keys_are_valid_while_the_keys_are_changed(trial: Trial) -> None:
    old, new = pair(7), pair(8)
    both = f"{new['public_key']}, {old['public_key']}"
    changing = with_keys(trial, public_key=both, signing_key=new["signing_key"])
    changing.approve(with_keys(trial, **old).trained())
    changing.approve(changing.trained())
    done = with_keys(trial, **new)
    assert done.releases.load_champion() is not None
    assert done.releases.verify("2") == ()
    with pytest.raises(Refused, match=NOT_VALID):
        done.releases.models.load("1")


def test_a_private_key_alone_signs_and_demands_nothing(trial: Trial, outside: Trial) -> None:
    unsigned = trial.trained()
    alone = with_keys(trial, signing_key=pair()["signing_key"])
    alone.approve(unsigned)
    outside.approve(alone.trained())
    assert outside.champion == "2"


def test_a_version_that_is_not_signed_can_be_rejected(trial: Trial, outside: Trial) -> None:
    assert outside.releases.reject(trial.trained(), by="Ada", because="Whose is it?")


# --- keys -----------------------------------------------------------------------------------


@pytest.fixture
def settings(trial: Trial) -> Settings:
    return trial.settings


def test_a_key_is_text_one_line_or_a_file(settings: Settings, tmp_path: Path) -> None:
    private, public = create_keys(tmp_path / "keys", settings.root)
    forms: list[Callable[[Path], str]] = [
        str,
        Path.read_text,
        lambda p: in_one_line(p.read_bytes()),
    ]
    for form in forms:
        configured = replace(settings, signing_key=form(private), public_key=form(public))
        assert signing_key(configured) is not None


def test_created_keys_are_private_and_never_overwritten(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    created = create_keys(folder, settings.root)
    assert {path.stat().st_mode & 0o777 for path in created} == {0o600}
    before = [path.read_bytes() for path in created]
    with pytest.raises(ConfigError, match="never overwritten"):
        create_keys(folder, settings.root)
    created[0].unlink()
    with pytest.raises(ConfigError, match="never overwritten"):
        create_keys(folder, settings.root)
    assert created[1].read_bytes() == before[1]
    assert not created[0].exists()


def test_a_key_inside_the_product_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is inside the product's folder"):
        create_keys(settings.root / "keys", settings.root)
    private, public = create_keys(tmp_path / "keys", settings.root)
    (settings.root / "linked").unlink(missing_ok=True)
    (settings.root / "linked").symlink_to(public)
    inside = settings.root / "own.pem"
    inside.write_bytes(public.read_bytes())
    (tmp_path / "out").symlink_to(inside)
    for path in (settings.root / "linked", inside, tmp_path / "out"):
        configured = replace(settings, signing_key=str(private), public_key=str(path))
        with pytest.raises(ConfigError, match="PRODUCT_PUBLIC_KEY is a path inside the product's"):
            signing_key(configured)
    own = replace(settings, signing_key=os.path.relpath(inside), public_key=None)
    with pytest.raises(ConfigError, match="PRODUCT_SIGNING_KEY is a path inside the product's"):
        signing_key(own)


@pytest.mark.parametrize(
    "wrong",
    [
        "/no/such/key",
        "no base64!",
        "x" * 5000,
        pair()["signing_key"][:-8],
        "-----BEGIN PRIVATE KEY-----\n" + pair()["signing_key"][4:],
        pair()["public_key"],
        pair()["signing_key"].replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu"),  # of X25519
        pair()["signing_key"].replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2V4"),  # of no algorithm
    ],
)
def test_a_key_that_is_not_valid_is_not_shown(settings: Settings, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"^PRODUCT_SIGNING_KEY is not a valid key – ") as found:
        signing_key(replace(settings, signing_key=wrong))
    assert wrong not in str(found.value)
    assert "\n" not in str(found.value)
    assert wrong not in "".join(traceback.format_exception(found.value))


def test_a_private_key_as_the_public_key_is_refused(settings: Settings) -> None:
    secret = pair()["signing_key"]
    with pytest.raises(ConfigError, match="PRODUCT_PUBLIC_KEY is not a valid key") as found:
        signing_key(replace(settings, public_key=secret, signing_key=secret))
    assert secret not in str(found.value)


def test_the_private_key_is_in_no_file_tag_or_representation(job: Trial) -> None:
    version = job.trained()
    secret = job.settings.signing_key
    assert secret is not None
    assert secret not in repr(job.settings)
    found = job.releases.models.find(version)
    tags = {**found.tags, **job.releases.models.runs.tags(found.run_id)}
    assert not any(secret in value for value in tags.values())
    written = [path for path in job.settings.var.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in written)
