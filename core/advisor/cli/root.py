"""The group that turns errors into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from advisor.cli.session import Session
from advisor.cli.tables import clean
from advisor.errors import AdvisorError, UnknownNameError, nearest_hint

#: Exit codes, as ``docs/cli.md`` documents them.
INPUT_ERROR = 2
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE

#: What click raises for a group without a command, which is answered with its help; before click 8.2 nothing.
HELP_INSTEAD: type[click.UsageError] | tuple[()] = getattr(click.exceptions, "NoArgsIsHelpError", ())

#: A disk that is full, or a quota or limit of size that is reached.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ReaderGoneError(Exception):
    """Whoever read standard output has stopped: not an ``OSError``, which click would answer with its own exit code."""


class Root(click.Group):
    """A group that never shows a traceback, unless asked with ``--debug``."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the context names."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run, and leave with a code: ``standalone_mode=False`` lets exceptions through, as click does."""
        if not standalone_mode:
            return self._main(*args, **extra)
        session = extra.setdefault("obj", Session())
        if sys.stdout is None:  # closed before the start: there is nobody to answer
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
        try:
            code = self._main(*args, **extra)
            sys.stdout.flush()
        except HELP_INSTEAD as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(usage_line(error), error.exit_code)
        except AdvisorError as error:
            session.warn_of_plugins()
            _fail(f"{error}{self._list_hint(error, session)}", INPUT_ERROR)
        except (KeyboardInterrupt, click.Abort):
            _fail("interrupted", INTERRUPTED)
        except (BrokenPipeError, ReaderGoneError):
            _forget_output()
            sys.exit(BROKEN_PIPE)
        except OSError as error:
            if session.debug or error.errno not in FULL:
                raise
            _forget_output()
            _fail(f"the output cannot be written ({error.strerror})", INPUT_ERROR)
        except OverflowError as error:
            if session.debug:
                raise
            _fail(f"a number given is too large to compute with ({error})", INPUT_ERROR)
        except Exception as error:
            if session.debug:
                raise
            text = " ".join(str(error).split())[:300]
            _fail(f"internal error: {type(error).__name__}: {text}; run again with --debug for the traceback",
                  INTERNAL_ERROR)  # fmt: skip
        sys.exit(code if isinstance(code, int) else 0)

    def _list_hint(self, error: AdvisorError, session: Session) -> str:
        """Where the known names are listed, if the error of an unknown one suggests none."""
        if not isinstance(error, UnknownNameError) or error.hinted:
            return ""
        plural = f"{error.kind[:-1]}ies" if error.kind.endswith("y") else f"{error.kind}s"
        listed = self.get_command(click.Context(self, obj=session), plural) is not None
        return f" (advisor {plural} list)" if listed else ""

    def _main(self, *args: Any, **extra: Any) -> Any:
        run: Callable[..., Any] = super().main
        return run(*args, standalone_mode=False, **extra)


def usage_line(error: click.ClickException) -> str:
    """Write click's complaint as one line, with the nearest option and where help is."""
    context = getattr(error, "ctx", None)
    text = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        known = [name for param in context.command.params for name in param.opts] if context else []
        text = f"no such option {error.option_name}{nearest_hint(error.option_name, known)}"
    text = text[:1].lower() + text[1:]
    return f"{text} ({context.command_path} --help)" if context and isinstance(error, click.UsageError) else text


def _forget_output() -> None:
    """Let nothing more be written on standard output, not even by the interpreter on its way out."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(line: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):
        click.echo(clean(f"advisor: {line}"), err=True)
    sys.exit(code)
