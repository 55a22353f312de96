"""Root of the command line: the commands, and how errors are shown."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gmbench.cli import output, remote
from gmbench.cli.attack import attack
from gmbench.cli.attribute import attribute
from gmbench.cli.baseline import baseline
from gmbench.cli.data import data_app
from gmbench.cli.detect import detect
from gmbench.cli.evaluate import compare, evaluate
from gmbench.cli.figure import figure
from gmbench.cli.info import info, splits_app
from gmbench.cli.label import label
from gmbench.cli.leaderboard import leaderboard_app
from gmbench.cli.parse import parse
from gmbench.cli.predict import predict
from gmbench.cli.predictions import template, validate
from gmbench.cli.reproduce import reproduce
from gmbench.cli.study import study_app
from gmbench.cli.submit import submit
from gmbench.cli.training import train
from gmbench.cli.zoo import zoo_app
from gmbench.errors import GmbenchError, InterruptedWorkError, naming_extras
from gmbench.training.launched import is_first, require_one_process


class _Commands(TyperGroup):
    """The commands; unlike typer's default, Ctrl-C ends each of them with a message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedWorkError(goes_on=False) from None
        except BrokenPipeError:
            _end_if_unread()
            raise


def _end_if_unread() -> None:
    """Ends well, as typer does not, if the reader of our output is gone (`gmbench ... | head`)."""
    try:
        # Another pipe may have broken. Of what was written, nothing may be left to be flushed.
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


app = typer.Typer(
    name="gmbench",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

remote.register(data_app)

# In the order in which new users need them.
for command in (
    info, template, validate, baseline, evaluate, compare, submit, parse, train, predict, attack,
    detect, attribute, figure, reproduce, label,
):  # fmt: skip
    app.command()(command)
for group in (data_app, splits_app, study_app, zoo_app, leaderboard_app):
    app.add_typer(group)


def _version(wanted: bool) -> None:
    if wanted:
        from gmbench.version import __version__

        sys.stdout.write(f"gmbench {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")
    ] = False,
) -> None:
    """Infer the hyperparameters of generative models from their images: data and evaluation."""
    output.keep_quiet(quiet or not is_first())
    if context.invoked_subcommand != "train":
        require_one_process(f"gmbench {context.invoked_subcommand}")


def main() -> None:
    """Runs the command line; errors that a user can mend become one message and an exit code."""
    output.show_all_characters()
    try:
        with naming_extras():
            app()
    except InterruptedWorkError as error:
        # Ignore further Ctrl-C: the rest takes only a moment.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        output.complain(str(error), "interrupted")
        sys.exit(error.exit_code)
    except GmbenchError as error:
        output.complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        # What no command foresaw of a file: a folder that may not be read, a name that is too long.
        if error.filename is None:
            raise
        output.complain(f"{error.filename}: {error.strerror}.")
        sys.exit(GmbenchError.exit_code)
