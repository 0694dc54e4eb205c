"""The command line as a person meets it: what it prints, writes and answers."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from PIL import Image

import vislib.__main__ as command
from vislib import registry
from vislib.commands import arguments
from vislib.commands import weights as weights_commands
from vislib.models import loading
from vislib.schema import MixScopeError, ModelSpec
from vislib.tables import similarity
from vislib.training import card as cards
from vislib.training import loop, recipe, session
from vislib.training import run as running
from vislib.weights import files, film, hub

SIZE = 16
ROOT = Path(command.__file__).resolve().parent.parent


def row(key: str, title: str) -> ModelSpec:
    return ModelSpec(
        key=key,
        family="mixer",
        title=title,
        weights="bundled",
        licence="MIT",
        paper="2105.01601",
        build={
            "class": "timm.models.mlp_mixer.MlpMixer",
            "img_size": SIZE,
            "patch_size": 8,
            "num_blocks": 1,
            "embed_dim": 16,
            "mlp_ratio": (1.0, 2.0),
        },
    )


PUBLISHED = ModelSpec(
    key="resmlp_12_224.fb_in1k",
    family="mixer",
    title="Mixer-B/16",
    weights="timm",
    licence="Apache-2.0",
    paper="2105.01601",
)
REGISTRY = {r.key: r for r in (row("tiny", "Tiny"), row("other", "Other"), PUBLISHED)}


@pytest.fixture(autouse=True)
def tiny_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MINI_SIZE", SIZE)
    monkeypatch.setattr(registry, "MODEL_REGISTRY", REGISTRY)
    monkeypatch.setattr(files, "FOLDER", tmp_path / "bundled")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MIXSCOPE_DEVICE", "cpu")
    monkeypatch.setenv("LC_ALL", "C")  # commands speak the machine's language


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes, bright and dark: 20 pictures each to train on, 5 to validate on."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 20), ("val", 5)):
        for name, middle in (("n01", 90), ("n02", 160)):
            place = tmp_path / "toy" / split / name
            place.mkdir(parents=True)
            for index in range(count):
                pixels = middle + draw.integers(-60, 60, (SIZE, SIZE, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{index}.png")
    return tmp_path / "toy"


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "classes.csv"
    path.write_text("wnid,name\nn01,dark\nn02,bright\n", encoding="utf-8")
    return path


def train(data: Path, *more: str, model: str = "tiny") -> list[str]:
    out = str(data.parent / "runs")
    small = ["--epochs", "4", "--batch-size", "8"]
    return ["train", model, "--data", str(data), "--out", out, *small, *more]


def evaluate(data: Path, *more: str, model: str = "tiny") -> list[str]:
    return ["evaluate", model, "--data", str(data), "--weights", str(data.parent / "runs"), *more]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one-line message of a command that must answer 2."""
    assert command.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert "Traceback" not in error
    assert error.count("\n") == 1
    return error


def test_train_then_evaluate_then_card(
    data: Path, names: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "weights"
    more = ["--class-names", str(names), "--export", str(export), "--data-source", "drawn"]
    assert command.main(train(data, *more)) == 0
    lines = capsys.readouterr().out
    assert "40 pictures of 2 classes" in lines
    assert "tiny epoch 4: loss" in lines
    card = cards.read(export, "tiny")
    assert card["classes"] == [["n01", "dark"], ["n02", "bright"]]
    assert card["data"]["source"] == "drawn"
    assert card["data"]["terms"] == "not stated"
    assert (card["data"]["train_pictures"], card["data"]["held_out_pictures"]) == (32, 8)
    assert card["val_top1"] is None

    measured = ["evaluate", "tiny", "--data", str(data), "--weights", str(export)]
    assert command.main(measured) == 0
    assert cards.read(export, "tiny")["val_top1"] is None  # only --card writes
    assert command.main([*measured, "--card"]) == 0
    card = cards.read(export, "tiny")
    assert (card["val_pictures"], card["val_top5"]) == (10, 1.0)
    assert card["val_top1"] > 0.8
    printed = f"tiny: top-1 {card['val_top1']:.2%}, top-5 100.00% (10 pictures of val)"
    assert capsys.readouterr().out.count(printed) == 2


def test_a_set_has_its_own_builds_and_recipe(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trained as another set than the registry's; measured as the set that the card names."""
    first = REGISTRY["tiny"].build
    second = {**first, "patch_size": 4}
    monkeypatch.setattr(registry, "MINI_SETS", {1: {"tiny": first}, 2: {"tiny": second}})
    assert command.main(train(data, "--set", "2")) == 0
    card = cards.read(tmp_path / "runs", "tiny")
    assert (card["set"], card["recipe"]["version"], card["recipe"]["cutmix"]) == (2, 2, 0.3)
    assert (card["epochs"], card["recipe"]["epochs"]) == (4, 4)
    assert command.main(evaluate(data)) == 0
    # A run of one set does not go on where one of the other ended.
    assert "belongs to another run: build, recipe differ" in refused(train(data), capsys)
    capsys.readouterr()
    assert command.main(train(data, "--out", str(tmp_path / "first"))) == 0
    card = cards.read(tmp_path / "first", "tiny")
    assert (card["set"], card["recipe"]["version"], card["recipe"]["cutmix"]) == (1, 1, 0.0)
    assert "no set 3 of bundled models" in refused(train(data, "--set", "3"), capsys)
    # A set can be trained by the recipe of another.
    other = ("--set", "2", "--recipe", "1", "--out", str(tmp_path / "other"))
    assert command.main(train(data, *other)) == 0
    card = cards.read(tmp_path / "other", "tiny")
    assert (card["set"], card["recipe"]["version"]) == (2, 1)
    told = refused(train(data, "--set", "2", "--recipe", "9"), capsys)
    assert "There is no recipe 9. Give one of: 1, 2, 3, 4." in told
    # Negative control: weights of one set with a card of the other do not fit.
    trained = cards.read(tmp_path / "runs", "tiny")
    cards.write(trained | {"set": 1}, tmp_path / "runs")
    assert "does not fit" in evaluate_error(data, capsys)


def test_a_set_can_be_finished_where_another_command_left_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The passes that are done are in the card, in the film, and not done again."""
    main = replace(recipe.RECIPES[2], epochs=3, batch_size=16, held_out=4)
    more = {"finish": 2, "finish_rate": 1e-3, "finish_shift": 1, "finish_batch": 8}
    both = replace(main, version=4, epochs=5, **more)
    monkeypatch.setattr(session, "RECIPES", {2: main, 4: both})
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    def command_for(version: int, out: Path, *given: str) -> list[str]:
        folders = ["--export", str(out / "weights"), "--films", str(out / "films")]
        wanted = ["--data", str(data), "--out", str(out), "--recipe", str(version)]
        return ["train", "tiny", *wanted, *folders, *given]

    assert command.main(command_for(2, begun)) == 0
    capsys.readouterr()
    assert command.main(command_for(4, ended, "--begin", str(begun))) == 0
    lines = capsys.readouterr().out
    assert "tiny goes on after step 6 of 14" in lines
    assert "tiny epoch 4:" in lines
    assert "tiny epoch 3:" not in lines
    before, after = cards.read(begun / "weights", "tiny"), cards.read(ended / "weights", "tiny")
    assert after["history"][:3] == before["history"]
    assert (after["recipe"]["version"], after["epochs"]) == (4, 5)
    reel, first = film.read("tiny", ended / "films"), film.read("tiny", begun / "films")
    assert reel is not None
    assert first is not None
    assert (first.epochs, reel.epochs) == ((0, 1, 2, 3), (0, 1, 2, 5))
    assert [point.finish for point in reel.curve] == [False, False, False, True, True]
    # Interrupted, it needs its beginning no more; the same command still names it.
    assert command.main(command_for(4, ended, "--begin", str(begun))) == 0
    assert cards.read(ended / "weights", "tiny")["history"] == after["history"]
    assert command.main(command_for(4, tmp_path / "b", "--batch-size", "4")) == 0
    card = cards.read(tmp_path / "b" / "weights", "tiny")
    assert (card["recipe"]["batch_size"], card["recipe"]["finish_batch"]) == (4, 4)
    capsys.readouterr()
    told = refused(command_for(4, tmp_path / "c", "--begin", str(begun), "--seed", "1"), capsys)
    assert "no beginning of recipe 4: seed differ" in told
    told = refused(command_for(2, tmp_path / "d", "--begin", str(begun)), capsys)
    assert "Recipe 2 has no finish" in told
    told = refused(command_for(4, tmp_path / "e", "--begin", str(tmp_path / "no")), capsys)
    assert "card tiny.json cannot be read" in told


def evaluate_error(data: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``evaluate`` says when it fails; torch's part of it has several lines."""
    assert command.main(evaluate(data)) == 2
    return capsys.readouterr().err


def test_validation_pictures_are_never_read_by_train(data: Path) -> None:
    for path in (data / "val").rglob("*.png"):
        path.write_bytes(b"whoever reads this fails")
    assert command.main(train(data)) == 0
    assert command.main(evaluate(data)) == 2  # the same pictures, read


def test_finished_checkpoint_is_only_exported(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.main(train(data)) == 0
    first = (tmp_path / "runs" / "tiny.safetensors").read_bytes()

    def never(run: object) -> float:
        raise AssertionError("a finished run took a step")

    monkeypatch.setattr(loop, "_step", never)
    assert command.main(train(data, "--export", str(tmp_path / "again"))) == 0
    assert (tmp_path / "again" / "tiny.safetensors").read_bytes() == first
    cards_written = [cards.read(tmp_path / place, "tiny") for place in ("runs", "again")]
    assert cards_written[0] == cards_written[1]  # seconds and hardware are the checkpoint's


def test_ctrl_c_saves_and_the_same_command_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(train(data, "--export", str(tmp_path / "whole"))) == 0
    (tmp_path / "runs" / "tiny.ckpt").unlink()
    step, before = loop._step, signal.getsignal(signal.SIGINT)

    def interrupted(run: running.Run) -> torch.Tensor:
        if run.progress.step == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return step(run)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", interrupted)
        assert command.main(train(data)) == 130
    assert "stopped after step 6, saved in" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "runs" / "tiny.safetensors").exists()
    assert command.main(train(data)) == 0
    assert "tiny goes on after step 6 of 16" in capsys.readouterr().out
    ends = [tmp_path / place / "tiny.safetensors" for place in ("whole", "runs")]
    assert ends[0].read_bytes() == ends[1].read_bytes()


@pytest.mark.parametrize(
    ("module", "said"),
    [(loop, "other: out of time after step 1, saved in"), (session, "time is over before other")],
    ids=["while training", "before training"],
)
def test_minutes_stop_with_3_and_leave_the_other_models(
    module: ModuleType,
    said: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = train(data, "--minutes", "1")
    clock = itertools.count(step=100.0)  # 100 seconds from look to look
    with monkeypatch.context() as patch:
        patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        assert command.main([arguments[0], "other", *arguments[1:]]) == 3
    assert said in capsys.readouterr().out
    assert not list((tmp_path / "runs").glob("*.safetensors"))
    assert command.main([arguments[0], "other", *arguments[1:]]) == 0
    assert len(list((tmp_path / "runs").glob("*.safetensors"))) == 2


def test_unusable_input_is_a_message_and_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no model 'nosuch'" in refused(train(data, model="nosuch"), capsys)
    assert "Those that can be trained are: tiny, other" in refused(
        train(data, model=PUBLISHED.key), capsys
    )
    assert "holds no folder 'train'" in refused(train(tmp_path), capsys)
    assert "cannot be read" in refused(train(data, "--class-names", "none.csv"), capsys)
    assert "no device 'cuda'" in refused(train(data, "--device", "cuda"), capsys) or (
        torch.cuda.is_available()
    )
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    wanted = "cannot be made or written into"
    assert wanted in refused(train(data, "--export", str(tmp_path / "file")), capsys)
    assert "fewer than one batch" in refused(train(data, "--batch-size", "999"), capsys)
    (data / "train" / "n01" / "broken.png").write_bytes(b"no picture")
    assert "broken.png" in refused(train(data), capsys)


@pytest.mark.parametrize("text", [None, "wnid,name\nn01,dark\n"], ids=["absent", "too few"])
def test_class_names_are_checked_before_a_picture_is_read(
    text: str | None,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def never(*anything: object, **more: object) -> None:
        raise AssertionError("the pictures were read first")

    monkeypatch.setattr(session, "load_folder", never)
    path = tmp_path / "some.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    wanted = "cannot be read" if text is None else "but not n02"
    assert wanted in refused(train(data, "--class-names", str(path)), capsys)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("folder", "is a folder"), ("none/table.npz", "There is no folder")],
)
def test_similarity_looks_first_where_it_will_write(
    place: str,
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def never(*anything: object) -> None:
        raise AssertionError("it computed first")

    monkeypatch.setattr(similarity, "samples", never)
    (tmp_path / "folder").mkdir()
    assert wanted in refused(["similarity", "--out", str(tmp_path / place)], capsys)


def test_a_file_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments.check_place(tmp_path / "new.npz")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(MixScopeError, match=r"new\.npz cannot be written"):
        arguments.check_place(tmp_path / "new.npz")


def test_a_folder_that_cannot_be_written_is_refused_before_the_pictures_are_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*anything: object, **more: object) -> None:
        raise AssertionError("the pictures were read first")

    monkeypatch.setattr(session, "load_folder", never)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert "Permission denied" in refused(train(data, "--export", str(tmp_path)), capsys)


def test_nothing_is_pulled_of_a_bundled_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(train(data)) == 0
    monkeypatch.setattr(files, "FOLDER", tmp_path / "runs")
    capsys.readouterr()
    assert command.main(["weights", "pull", "tiny"]) == 0
    out = capsys.readouterr().out
    assert "tiny: comes with MixScope, there is nothing to pull" in out
    assert "whole" not in out
    (tmp_path / "runs" / "tiny.safetensors").unlink()
    assert command.main(["weights", "pull", "tiny"]) == 2
    assert "tiny" in capsys.readouterr().err


def test_checkpoint_of_another_run_is_a_message_and_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(train(data)) == 0
    assert "belongs to another run: seed" in refused(train(data, "--seed", "1"), capsys)
    (data / "train" / "n02").rename(data / "train" / "n09")
    assert "belongs to another run: classes" in refused(train(data), capsys)
    (tmp_path / "runs" / "tiny.ckpt").write_bytes(b"no checkpoint")
    assert "is no checkpoint" in refused(train(data), capsys)


def test_full_disk_is_a_message_and_2(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*anything: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        assert "No space left" in refused(train(data), capsys)
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_state", full)
        assert "the training itself is saved" in refused(train(data), capsys)
    assert (tmp_path / "runs" / "tiny.ckpt").exists()
    assert not (tmp_path / "runs" / "tiny.safetensors").exists()
    assert command.main(train(data)) == 0


def test_evaluate_refuses_what_does_not_fit(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no tiny.safetensors" in refused(evaluate(data), capsys)
    assert "published model" in refused(evaluate(data, model=PUBLISHED.key), capsys)
    assert command.main(train(data)) == 0
    assert "--card is for the split val" in refused(
        evaluate(data, "--card", "--split", "train"), capsys
    )
    (data / "val" / "n02").rename(data / "val" / "n09")
    assert "they differ in n02, n09" in refused(evaluate(data), capsys)
    (tmp_path / "runs" / "tiny.safetensors").write_bytes(b"damaged")
    assert "is damaged" in refused(evaluate(data), capsys)


@pytest.mark.parametrize(
    "wrong",
    [[], ["weights"], ["train", "tiny"], ["train", "tiny", "--data", "x", "--epochs", "0"]],
    ids=["nothing", "no action", "no data", "no epochs"],
)
def test_wrong_usage_answers_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(wrong)
    assert stopped.value.code == 2
    assert "usage: python -m vislib" in capsys.readouterr().err


def test_weights_list_shows_all_rows_and_how_to_get_the_missing(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(train(data)) == 0
    monkeypatch.setattr(files, "FOLDER", data.parent / "runs")
    capsys.readouterr()
    assert command.main(["weights", "list"]) == 0
    out = capsys.readouterr().out
    table = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert table["tiny"][1:] == ["Tiny", "mixer", "0.0", "MIT", "yes", "arXiv:2105.01601"]
    assert table["other"][5] == "no"
    # 15.35 million parameters, 4 bytes each
    assert table[PUBLISHED.key][2:6] == ["mixer", "61.4", "Apache-2.0", "no"]
    assert "Get published weights with: python -m vislib weights pull NAME" in out
    assert "\nother: The bundled weights of other are missing" in out
    assert "\ntiny: " not in out
    path = data.parent / "runs" / "tiny.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert command.main(["weights", "list"]) == 0
    out = capsys.readouterr().out
    assert "\ntiny: tiny.safetensors is damaged" in out
    assert out.count("damaged") == 2  # the table's word, and the advice


def test_weights_verify_reads_what_is_there(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(train(data)) == 0
    monkeypatch.setattr(files, "FOLDER", data.parent / "runs")
    capsys.readouterr()
    assert command.main(["weights", "verify"]) == 0
    assert capsys.readouterr().out == "tiny: whole\n"
    (data.parent / "runs" / "tiny.safetensors").write_bytes(b"")
    assert "tiny.safetensors is damaged" in refused(["weights", "verify"], capsys)


def test_weights_pull_refuses_what_it_does_not_know_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hub, "pull", lambda *a, **k: pytest.fail("pulled"))
    pull = ["weights", "pull"]
    near = refused([*pull, PUBLISHED.key, "resmlp_12"], capsys)
    assert f"no model 'resmlp_12'. Did you mean {PUBLISHED.key}?" in near
    assert f"Did you mean {PUBLISHED.key}?" in refused([*pull, "resmpl_12_224.fb_in1k"], capsys)
    assert "Known are: other, resmlp" in refused([*pull, "zzz"], capsys)
    assert "no family 'mixed'. Did you mean mixer?" in refused([*pull, "--family", "mixed"], capsys)
    assert "No model was named" in refused(pull, capsys)


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["--all"], [PUBLISHED.key]),
        (["--family", "mixer"], [PUBLISHED.key]),
        ([PUBLISHED.key, PUBLISHED.key], [PUBLISHED.key]),
    ],
)
def test_weights_pull_takes_names_families_or_all(
    arguments: list[str],
    keys: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def pull(spec: ModelSpec, **more: object) -> Path:
        asked.append(spec.key)
        (tmp_path / "file").write_bytes(bytes(2_500_000))
        return tmp_path / "file"

    monkeypatch.setattr(hub, "pull", pull)
    assert command.main(["weights", "pull", *arguments]) == 0
    assert asked == keys
    assert f"{PUBLISHED.key}: whole, 2.5 MB\n1 of 1 model is there." in capsys.readouterr().out


def test_a_pull_is_a_bar_on_a_terminal_and_plain_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, clock = Terminal(), itertools.count(step=weights_commands.LINE_SECONDS / 3)
    report = weights_commands._Report("model", clock=lambda: next(clock))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", io.StringIO())
        for done in range(0, 9_000_000, 1_000_000):
            report.show(done, 9_000_000)
        assert sys.stderr.getvalue() == ""
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "model: 2.0 of 9.0 MB"
    assert 1 < len(lines) < 5
    monkeypatch.setattr(sys, "stderr", terminal)
    report = weights_commands._Report("model")
    report.show(3_000_000, 9_000_000)
    report.show(9_000_000, 9_000_000)
    report.close()
    assert "model: 100%" in terminal.getvalue()
    assert "9.00M/9.00M" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_known_data_states_its_origin(data: Path, tmp_path: Path) -> None:
    """The name alone is not enough: the number of classes must fit as well."""
    known = data.rename(tmp_path / "photos100")
    assert command.main(train(known)) == 0
    assert cards.read(tmp_path / "runs", "tiny")["data"]["source"] == "not stated"
    fitting = recipe.DataOrigin(classes=2, source="drawn", terms="free")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "ORIGINS", {"photos100": fitting})
        assert command.main(train(known)) == 0
    assert cards.read(tmp_path / "runs", "tiny")["data"]["terms"] == "free"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_plain_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "REDRAW_SECONDS", 0.0)
    states = [
        running.StepReport(key="k", step=n, total=300, loss=1.0, rate=9.0, remaining=300.0 - n)
        for n in range(1, 301)
    ]
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        screen = session.Screen(stream)
        for state in states:
            screen.step(state)
        screen.line("done")
    assert file.getvalue().splitlines() == [states[n].line() for n in (99, 199, 299)] + ["done"]
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().count("\r") == 301
    assert terminal.getvalue().split("\r")[-1].strip() == "done"


@pytest.mark.slow
def test_command_line_runs_without_the_pages_packages() -> None:
    """Training machines have torch and timm, and no streamlit, captum or plotly."""
    code = (
        "import sys\n"
        "for name in ('streamlit', 'captum', 'plotly', 'matplotlib'): sys.modules[name] = None\n"
        "import vislib.__main__, vislib.training.session\n"
        "try:\n    vislib.__main__.main(['--help'])\n"
        "except SystemExit as end:\n    sys.exit(end.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, vislib.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
