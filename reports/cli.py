"""The command line: `lenet-diag COMMAND`. A command's module is imported when it is called, and not before."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from reports.commands import help_lines, module_of
from reports.commands.exit_codes import BROKEN_PIPE, FAILED, INTERRUPTED, UNREADABLE, fail
from reports.commands.faults import end_with_fault
from reports.terminal.output import fill_standard_descriptors, settle_streams, shown, talk, talk_warnings

# These errors concern a file that was to be read; all others concern one that was to be written.
NOT_THERE = (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ELOOP)


@contextmanager
def _ending_in_one_line() -> Iterator[None]:
    """Every way in which a command can end badly is one line and an exit code.

    Ctrl-C is 130 wherever it comes. What the system refuses is a fault of the place. All else that no command
    foresaw is a fault of lenet-diag, 70.
    """
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = shown(error.message)  # it repeats what was typed
        raise
    except (click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        talk("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader has gone; click would exit with 1, which is "defects found"
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        if not error.errno:  # raised by a library and not by the system
            end_with_fault(error)
        from lenet.errors import reason_of

        what = f"{error.filename}: " if error.filename else ""
        fail(f"{what}{reason_of(error)}", UNREADABLE if error.errno in NOT_THERE else FAILED)
    except Exception as error:
        end_with_fault(error)
    finally:
        settle_streams()


class LazyGroup(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(help_lines())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in help_lines():
            return None
        command: click.Command = importlib.import_module(f"reports.commands.{module_of(cmd_name)}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed. Raises click.UsageError, which names the command that was likely meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in help_lines() and not ctx.resilient_parsing:
            from lenet.arguments import did_you_mean

            known = help_lines()
            hint = did_you_mean(name, known) or f"; commands: {', '.join(known)}"
            ctx.fail(f"there is no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin as what was typed, with their help lines; nothing is imported for it."""
        commands = [CompletionItem(n, help=line) for n, line in help_lines().items() if n.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        fill_standard_descriptors()
        with _ending_in_one_line():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a character that the terminal lacks ends no command
        talk_warnings()
        os.environ["MPLBACKEND"] = "agg"  # the shell may name a backend that is not installed
        with _ending_in_one_line():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, from the first lines of their files: nothing is imported to print them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(help_lines().items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lenet-diag", prog_name="lenet-diag")
def main() -> None:
    """Tell why a training run died, and what would have saved it.

    Begin with `lenet-diag demo`. Exit codes: 0 done; 1 defects found (with
    --fail-on-defect or --on-defect stop), or a wrong gradient (with
    --fail-on-mistake); 2 wrong usage; 3 input unreadable or damaged; 4 training
    or logging failed; 70 a fault of lenet-diag itself; 130, 141 and 143
    interrupted.
    """
