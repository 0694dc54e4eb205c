"""The command line: ``python -m vislib COMMAND``.

Commands: ``train``, ``evaluate``, ``similarity``, ``prepare``, ``experiment``,
``weights list | pull | verify``, ``lecture check | sheet``, ``bench``.

Exit codes: 0 done; 2 something came that cannot be used (the message says what to do); 3 the time
given with ``--minutes`` ran out and the checkpoint is saved; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vislib import texts
from vislib.commands import bench, experiment, lecture
from vislib.commands import weights as weights_commands
from vislib.commands.arguments import (
    DONE,
    ENDED,
    INTERRUPTED,
    WRONG,
    add_device,
    add_training,
    check_place,
    whole,
    word_argparse,
)
from vislib.schema import MixScopeError
from vislib.texts import Message


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    lang, rest = _lang().parse_known_args(arguments)
    texts.speak(lang.lang)
    word_argparse()
    options = _parser().parse_args(rest)
    try:
        return int(options.run(options))
    except MixScopeError as error:
        print(Message("command.error", what=error), file=sys.stderr)
    except ImportError as error:
        print(Message("command.no_package", name=error.name or str(error)), file=sys.stderr)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(
            Message("command.system", what=error.strerror or str(error), where=where),
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print(Message("command.interrupted"), file=sys.stderr)
        return INTERRUPTED
    return WRONG


def _lang() -> argparse.ArgumentParser:
    """The language, which may stand anywhere; it is known before the others are worded."""
    lang = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    known = list(texts.languages())
    lang.add_argument("--lang", choices=known, default=texts.of_machine(), help=", ".join(known))
    return lang


def _parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m vislib",
        description="MixScope's command line: get published weights; train and measure the "
        "bundled models.",
        epilog="Exit codes: 0 done, 2 unusable input, 3 out of time (saved), 130 stopped (saved).",
        parents=[_lang()],
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_train(commands)
    _add_evaluate(commands)
    _add_similarity(commands)
    experiment.add(commands)
    weights_commands.add(commands)
    _add_prepare(commands)
    lecture.add(commands)
    bench.add(commands)
    return parser


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The options of ``train``."""
    train = commands.add_parser(
        "train",
        help="train bundled models; run again to go on after an interruption",
        description="Train models on FOLDER/train. FOLDER/val is never read. The same command "
        "goes on where the checkpoint OUT/<model>.ckpt ends; a finished run is exported again.",
    )
    train.add_argument("models", nargs="+", metavar="MODEL", help="such as mixer_mini")
    train.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="train/<class>/<picture>"
    )
    train.add_argument("--out", type=Path, default=Path("runs"), help="checkpoints (runs)")
    train.add_argument("--export", type=Path, metavar="FOLDER", help="weights and cards (OUT)")
    train.add_argument(
        "--films", type=Path, metavar="FOLDER", help="films of the training (OUT/films)"
    )
    train.add_argument(
        "--set",
        type=whole(1),
        metavar="N",
        help="1: 8 x 8 tokens; 2: 16 x 16 tokens (the set that is bundled)",
    )
    train.add_argument(
        "--recipe",
        type=whole(1),
        metavar="N",
        help="1: 6 passes, for a processor; 2: 80 passes, for a GPU; 3: 8 passes, most of them "
        "over small pictures, for a processor; 4: 2 and a finish (the one with the number of the "
        "set)",
    )
    train.add_argument(
        "--begin",
        type=Path,
        metavar="FOLDER",
        help="weights and films, as assets has them, trained by the recipe's passes before its "
        "finish: only the finish is left to do",
    )
    train.add_argument("--class-names", type=Path, metavar="CSV", help="wnid,name with a header")
    train.add_argument("--seed", type=whole(0), default=0)
    train.add_argument(
        "--jobs", type=whole(1), default=1, metavar="N", help="models at once, a process each (1)"
    )
    add_training(train)
    train.set_defaults(run=_train)


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The options of ``evaluate``."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure top-1 and top-5 accuracy",
        description="Measure stored models on FOLDER/SPLIT.",
    )
    evaluate.add_argument("models", nargs="+", metavar="MODEL", help="such as mixer_mini")
    evaluate.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="SPLIT/<class>/<picture>"
    )
    evaluate.add_argument("--split", default="val", help="folder in FOLDER (val)")
    evaluate.add_argument("--weights", type=Path, metavar="FOLDER", help="instead of the bundled")
    evaluate.add_argument("--card", action="store_true", help="write the result into the card")
    add_device(evaluate, default="cpu")
    evaluate.set_defaults(run=_evaluate)


def _add_similarity(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The options of ``similarity``."""
    similarity = commands.add_parser(
        "similarity",
        help="compare the layers of the bundled models; the page Inside shows the result",
        description="Run the bundled models on the gallery and write how alike their layers are. "
        "To be done again when their weights have changed.",
    )
    similarity.add_argument(
        "--out", type=Path, metavar="FILE", help="instead of assets/similarity.npz"
    )
    similarity.set_defaults(run=_similarity)


def _add_prepare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The options of ``prepare``."""
    prepare = commands.add_parser(
        "prepare",
        help="compute beforehand what pages open with: answers, estimates, costs",
        description="Run the bundled models on the gallery and write what the pages Estimates, "
        "Disagreement and What it costs open with. To be done again when their weights change.",
    )
    prepare.add_argument("--out", type=Path, metavar="FILE", help="instead of assets/prepared.npz")
    prepare.set_defaults(run=_prepare)


# The commands import what they need themselves: torch takes seconds, --help should not.


def _prepare(options: argparse.Namespace) -> int:
    from vislib.commands.prepare import run

    return run(options.out)


def _train(options: argparse.Namespace) -> int:
    from vislib.commands.jobs import run_jobs
    from vislib.training.session import Order, run_order

    order = Order(
        keys=tuple(options.models),
        data=options.data,
        out=options.out,
        export=options.export or options.out,
        films=options.films or options.out / "films",
        mini_set=options.set,
        recipe=options.recipe,
        class_names=options.class_names,
        seed=options.seed,
        epochs=options.epochs,
        batch_size=options.batch_size,
        minutes=options.minutes,
        device=options.device,
        data_source=options.data_source,
        data_terms=options.data_terms,
        begin=options.begin,
    )
    if options.jobs > 1 and len(order.keys) > 1:
        return run_jobs(order, options.jobs)
    return ENDED[run_order(order)]


def _evaluate(options: argparse.Namespace) -> int:
    from vislib import registry
    from vislib.models import loading
    from vislib.training import card as cards
    from vislib.training.data import DataError, load_folder, split_folder
    from vislib.training.evaluate import load_trained, measure
    from vislib.training.hardware import choose
    from vislib.weights import files

    if options.card and options.split != "val":
        raise DataError("error.command.card_split", split=options.split)
    rows = [registry.spec(key) for key in options.models]
    device = choose(options.device)
    folder = options.weights or files.FOLDER
    part = split_folder(options.data, options.split)
    for row in rows:
        module, card = load_trained(row, folder)
        size = loading.input_config(module).size
        pictures = load_folder(part, size=size, classes=[wnid for wnid, _ in card["classes"]])
        scores = measure(module.to(device), pictures, device)
        measured = Message(
            "command.measured",
            model=row.key,
            top1=scores.top1,
            top5=scores.top5,
            count=scores.pictures,
            split=options.split,
        )
        print(measured, flush=True)
        if options.card:
            card["val_top1"], card["val_top5"] = scores.top1, scores.top5
            card["val_pictures"] = scores.pictures
            card["sha256"] = files.sha256(folder / f"{row.key}.safetensors")
            print(Message("command.written", path=cards.write(card, folder)))
    return DONE


def _similarity(options: argparse.Namespace) -> int:
    import torch

    from vislib import registry
    from vislib.models import loading
    from vislib.observe import probing
    from vislib.tables import similarity
    from vislib.weights import files

    out = options.out or similarity.FILE
    check_place(out)
    pictures = similarity.samples()
    features = {}
    for row in registry.MODEL_REGISTRY.values():
        if row.weights != "bundled" or not files.status(row).present:
            continue
        model = loading.load(row.key, device=torch.device("cpu"))
        inputs = (loading.prepare(model, picture) for picture in pictures)
        features[row.key] = probing.token_means(model, inputs)
        print(Message("command.ran", model=row.key, count=len(pictures)), flush=True)
    size = similarity.write(features, len(pictures), out)
    print(Message("command.written_size", path=out, kilobytes=size / 1000))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
