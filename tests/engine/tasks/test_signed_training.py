"""Signatures from the command line: who can train, score and monitor if a public key is set."""

import pytest
from mlproduct.registry.runs import Runs
from mlproduct.registry.signatures import PRIVATE, PUBLIC, TAG
from mlproduct.tasks import training
from mlproduct.testing import TrialProduct

from ..products import DAY, settings, to_score, with_registry
from ..registry.test_signatures import pair
from ..team import PRODUCT, main

pytestmark = pytest.mark.usefixtures("prefect_server")
KEYS = pair()


@pytest.fixture
def keyed(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """A product with the unsigned versions 1 (the champion) and 2, where a public key is set."""
    found = with_registry(product, released, monkeypatch)
    (found.root / "data").symlink_to(released.root / "data")
    monkeypatch.setenv(PUBLIC, KEYS["public_key"])
    return found


def runs() -> int:
    found = Runs(settings(), PRODUCT.name).client
    experiment = found.get_experiment_by_name(PRODUCT.name)
    return len(found.search_runs([experiment.experiment_id]))


@pytest.mark.parametrize(
    ("key", "code", "says"),
    [
        (None, 3, "PRODUCT_SIGNING_KEY is not set"),
        (pair(8)["signing_key"], 3, "does not belong to PRODUCT_PUBLIC_KEY"),
        ("nonsense", 2, "PRODUCT_SIGNING_KEY is not a valid key"),
    ],
)
def test_a_training_without_the_private_key_is_refused_before_it_reads_a_row(
    keyed: TrialProduct,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str | None,
    code: int,
    says: str,
) -> None:
    if key is not None:
        monkeypatch.setenv(PRIVATE, key)
    monkeypatch.setattr(training, "read", None)  # a call would fail with another error
    before = runs(), keyed.standing()
    assert main(["train"]) == code
    printed = capsys.readouterr()
    assert says in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert key is None or key not in printed.err + printed.out
    assert (runs(), keyed.standing()) == before


def test_an_unsigned_champion_is_not_used_and_a_signed_one_is(
    keyed: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to_score(keyed)
    decision = ["--by", "Ada", "--because", "It pays."]
    before = keyed.standing()
    for command in (
        ["score", "--day", str(DAY)],
        ["monitor", "--day", str(DAY)],
        ["approve", "2", *decision],
        ["verify", "1"],
    ):
        assert main(command) == 3, command
        printed = "".join(capsys.readouterr())
        assert "is not signed – expected a signature" in printed
        assert "Traceback" not in printed
    assert keyed.standing() == before
    assert main(["doctor"]) == 2
    assert "  signed    not ok  version 1 is not signed" in capsys.readouterr().out
    assert main(["status"]) == 1
    assert "  wrong     version 1 is not signed – expected a signature" in capsys.readouterr().out

    # The training job signs already before the public key is set.
    monkeypatch.delenv(PUBLIC)
    monkeypatch.setenv(PRIVATE, KEYS["signing_key"])
    assert main(["train"]) == 0
    assert TAG in keyed.releases.models.find("3").tags
    assert KEYS["signing_key"] not in "".join(capsys.readouterr())
    monkeypatch.delenv(PRIVATE)
    monkeypatch.setenv(PUBLIC, KEYS["public_key"])
    for command in (["approve", "3", *decision], ["score", "--day", str(DAY), "--no-shadow"]):
        assert main(command) == 0, command
    main(["doctor"])
    assert "required; not validly signed: 2, 1" in capsys.readouterr().out
    assert main(["verify"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" – ")[0] for line in lines[1:]] == [
        "version 3: every digest matches, and the verdict is the same",
        "version 2: version 2 is not signed",
        "version 1: version 1 is not signed",
    ]


def test_the_verb_creates_keys_and_names_their_variables(
    keyed: TrialProduct,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere") / "keys"
    assert main(["keys", "--to", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"{PRIVATE}={folder / 'signing_key.pem'}" in printed
    assert f"{PUBLIC}={folder / 'public_key.pem'}" in printed
    assert "PRIVATE KEY" not in printed
    assert main(["keys", "--to", str(folder)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert main(["keys", "--to", "keys"]) == 2
    assert "is inside the product's folder" in capsys.readouterr().err
    assert not (keyed.root / "keys").exists()
