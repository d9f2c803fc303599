"""Files and settings that ask for more than there is: refused in a line before it is taken."""

import gzip
import json
import resource
import shutil
import tomllib
from pathlib import Path

import polars as pl
import pytest
import tomli_w

import thalweg as tw
from thalweg._core import memory
from thalweg.data.tables import _parquet
from thalweg.data.tables._files import read_table
from thalweg.errors import DataError, RunError, SettingError, ThalwegError

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"


@pytest.fixture
def small(monkeypatch):
    """A machine with a quarter of a gibibyte."""
    monkeypatch.setattr(memory, "available", lambda: 2**28)


@pytest.fixture
def run(tmp_path) -> Path:
    return shutil.copytree(CORPUS / "run", tmp_path / "run")


def grown() -> int:
    """Mebibytes that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.usefixtures("small")
def test_a_packed_table_is_unpacked_no_further_than_memory_allows(tmp_path):
    zeros = gzip.compress(b"0," * 2**24, compresslevel=9)
    (tmp_path / "bomb.csv.gz").write_bytes(zeros * 64)  # Two gibibytes in two mebibytes.
    before = grown()
    with pytest.raises(DataError, match=r"unpacked it has more than 42\.7 MiB"):
        read_table(tmp_path / "bomb.csv.gz")
    assert grown() - before < 256


@pytest.mark.usefixtures("small")
def test_a_parquet_file_of_a_thousand_million_rows_is_refused(tmp_path):
    path = tmp_path / "bomb.parquet"
    pl.select(pl.repeat(0, 10**8, dtype=pl.Int64)).write_parquet(path)
    assert path.stat().st_size < 2**20
    with pytest.raises(DataError, match=r"its decoder gave up, with 64\.0 MiB"):
        read_table(path)


def test_a_parquet_file_at_which_the_decoder_ends_its_process_does_not_end_ours(tmp_path):
    content = (CORPUS / "parquet" / "found exbibytes asked for").read_bytes()
    (tmp_path / "bad.parquet").write_bytes(content)
    with pytest.raises(DataError, match="is not a whole Parquet file: its decoder gave up"):
        read_table(tmp_path / "bad.parquet")


def test_a_parquet_file_that_never_ends_the_decoder_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(_parquet, "_DECODE", "while True: pass")
    monkeypatch.setattr(_parquet, "SECONDS", 0.5)
    shutil.copy(CORPUS / "parquet" / "snappy.parquet", tmp_path / "endless.parquet")
    with pytest.raises(DataError, match=r"its decoder had not ended after 5\d\d\.\d ms\. Write"):
        read_table(tmp_path / "endless.parquet")


def test_where_no_process_can_be_started_parquet_is_refused_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "absent"))
    shutil.copy(CORPUS / "parquet" / "snappy.parquet", tmp_path / "good.parquet")
    with pytest.raises(DataError, match="no process could be started for it: No such file"):
        read_table(tmp_path / "good.parquet")


def test_what_lies_in_the_working_folder_is_not_imported_to_read_parquet(tmp_path):
    for name in ("polars", "resource", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken in')")
    shutil.copy(CORPUS / "parquet" / "snappy.parquet", tmp_path / "good.parquet")
    assert read_table(tmp_path / "good.parquet")[0].height == 24


@pytest.mark.parametrize(
    "hidden", [10**18, 2**63, 10**30, 2**31, [30_000] * 50, [1] * 100_000, [2**20]]
)
def test_a_run_whose_settings_ask_for_more_weights_than_it_has_is_refused(run, hidden):
    document = tomllib.loads((run / "config.toml").read_text())
    document["model"]["hidden"] = hidden
    (run / "config.toml").write_text(tomli_w.dumps(document))
    before = grown()
    with pytest.raises(ThalwegError, match=r"room for|larger than any|may have 1,000 layers|TOML"):
        tw.Run.load(run)
    assert grown() - before < 64


def test_a_network_larger_than_memory_is_refused_before_it_is_made(small):
    with pytest.raises(SettingError, match=r"1\.0 GiB of weights, and there is room for 256"):
        tw.build("mlp", features=2**14, classes=3, hidden=2**14)
    with pytest.raises(SettingError, match="may have 1,000 layers"):
        tw.build("convnet", channels=3, size=32, classes=3, depth=10**9)


@pytest.mark.parametrize("size", [[10**9, 10**9], [0, 4], [-1, -1], [2**15, 2**15], ["a", 4]])
def test_a_run_on_pictures_of_impossible_size_is_refused(run, size):
    schema = json.loads((run / "schema.json").read_text())
    schema["inputs"] = {"kind": "image", "mean": [0.5], "std": [0.2], "size": size}
    (run / "schema.json").write_text(json.dumps(schema))
    with pytest.raises(RunError, match=r"schema\.json is damaged"):
        tw.Run.load(run)
