"""What all commands share: settings in, one clear message out when something goes wrong.

An entry point hands over its task and the name of its settings file:

    def main(argv: Sequence[str] | None = None) -> int:
        return cli.run(train, "train", argv)

    if __name__ == "__main__":
        sys.exit(main())

An error that the user can mend ends in one message on stderr and exit code 1 (input, machine) or 2
(settings). Anything else is a defect of molgan's and shows its traceback, as does every error with
`traceback=true` or MOLGAN_TRACEBACK=1. The log of the run always holds the traceback.
"""

from __future__ import annotations

import errno
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from molgan import config
from molgan.command_help import help_text
from molgan.errors import ConfigError, MolganError
from molgan.stopping import Stopped

if TYPE_CHECKING:
    from omegaconf import DictConfig

EXIT_FAILURE = 1
EXIT_SETTINGS = 2
EXIT_SIGNAL = 128  # and the number of the signal, as shells report it
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE

# Hydra's own options, which may be cut short as far as they stay clear.
_FLAGS = (
    "help", "hydra-help", "version", "cfg", "resolve", "package", "run", "multirun",
    "shell-completion", "config-path", "config-name", "config-dir", "experimental-rerun", "info",
)  # fmt: skip

_log = logging.getLogger("molgan.cli")

# OSErrors that are about the user's file or disk rather than about our code.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ABOUT_A_FILE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
    errno.EPERM,
    errno.EROFS,
}


def run(
    task: Callable[[DictConfig], object],
    config_name: str,
    argv: Sequence[str] | None = None,
    directory: Path | None = None,
) -> int:
    """Compose the settings, run the task, and turn whatever goes wrong into a message and a code.

    Args:
        task: gets the composed settings; what it returns is for sweepers only.
        config_name: the settings file in conf/, without `.yaml`.
        argv: arguments as typed after the command; None takes the process's own.
        directory: another settings folder; None is molgan's own.

    Returns:
        The exit code: 0 done; 1 unusable input, full disk, failed training; 2 unusable settings;
        130 stopped by Ctrl-C, 143 by SIGTERM; 141 nobody reads the output any more.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    arguments = [word for word in typed if not word.startswith("traceback=")]
    show_traceback = "traceback=true" in typed or os.environ.get("MOLGAN_TRACEBACK", "0") != "0"

    def guarded(cfg: DictConfig) -> object:
        # Errors of the task end here: Hydra would add lines of its own to them.
        try:
            return task(cfg)
        except Exception as error:
            raise SystemExit(report(error, show_traceback)) from error
        except KeyboardInterrupt as error:
            raise SystemExit(report(error, show_traceback, _output_dir())) from error

    with _process_state(arguments):
        try:
            folder = directory or config.config_dir()
            if any(word in ("-h", "--help") for word in arguments):
                settings = [word for word in arguments if not word.startswith("-")]
                print(help_text(config_name, settings, folder))
                return 0
            _refuse_dashes(arguments)
            if not any(word.startswith("-") for word in arguments):
                _check(arguments, config_name, folder)
            _hydra_main(guarded, config_name, folder)
            sys.stdout.flush()
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else EXIT_FAILURE if stop.code else 0
        except (Exception, KeyboardInterrupt) as error:
            return report(error, show_traceback)
    return 0


def report(error: BaseException, show_traceback: bool = False, folder: Path | None = None) -> int:
    """Say on stderr what went wrong, and put the traceback into the log of the run.

    Args:
        error: what was raised.
        show_traceback: print the traceback even for an error that the user can mend.
        folder: where the run keeps what it has written, if it does.

    Returns:
        The exit code that goes with the error.
    """
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return EXIT_BROKEN_PIPE
    message, code = describe(error)
    if isinstance(error, KeyboardInterrupt):
        kept = ""
        if folder is not None:
            kept = f"; everything saved so far is in {folder}"
            kept += (
                f": the same command with {shlex.quote(f'run_dir={folder}')} goes on from there"
                if any(folder.glob("checkpoint*"))
                else ", and no checkpoint yet: the same command begins anew"
            )
        print(f"\n{message}{kept}", file=sys.stderr)
        return code
    if message is None or show_traceback:
        traceback.print_exception(error, file=sys.stderr)
    if message is None:
        message = f"{type(error).__name__}: {error} (this is a defect of molgan, please report it)"
    print(f"error: {message}", file=sys.stderr)
    if code != EXIT_SETTINGS and not _is_full_disk(error):
        _write_to_log_file(error)
    return code


def describe(error: BaseException) -> tuple[str | None, int]:
    """The sentence for the user and the exit code; no sentence means a defect of molgan's."""
    from hydra.errors import HydraException, InstantiationException
    from omegaconf.errors import OmegaConfBaseException

    from molgan.config_checks import explain

    key = None
    while isinstance(error, InstantiationException):
        # Hydra wraps what a constructor raised; the constructor's own words are the clear ones.
        key = key or _full_key(error)
        if error.__cause__ is None:
            break
        error = error.__cause__
    where = f"{key}: " if key else ""
    if isinstance(error, MolganError):
        return str(error), error.exit_code
    if isinstance(error, HydraException | OmegaConfBaseException):
        return where + explain(error), EXIT_SETTINGS
    if key and isinstance(error, TypeError | ValueError):
        return where + str(error), EXIT_SETTINGS
    if isinstance(error, Stopped) and error.signal != signal.SIGINT:
        return f"stopped by {error.signal.name}", EXIT_SIGNAL + error.signal
    if isinstance(error, KeyboardInterrupt):
        return "stopped by Ctrl-C", EXIT_SIGNAL + signal.SIGINT
    if isinstance(error, OSError):
        return _describe_os_error(error), EXIT_FAILURE
    # torch's error is recognised by name: importing torch here would slow down every --help.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory; a smaller batch size or fewer molecules will help", EXIT_FAILURE
    return None, EXIT_FAILURE


def _describe_os_error(error: OSError) -> str | None:
    name = f": {error.filename}" if error.filename else ""
    if _is_full_disk(error):
        return (
            f"no space left on the disk{name}; what was written before is kept, "
            "free some space and run again"
        )
    if error.errno in _ABOUT_A_FILE and name:
        return f"{(error.strerror or 'cannot use file').lower()}{name}"
    return None


def _is_full_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _refuse_dashes(arguments: Sequence[str]) -> None:
    """Refuse `--data x` and `--n=5`, of which Hydra's parser would say nothing helpful."""
    for word in arguments:
        name = word.lstrip("-").partition("=")[0]
        if word.startswith("--") and not any(flag.startswith(name) for flag in _FLAGS):
            raise ConfigError(
                f"there is no option {word}: settings are typed without dashes, such as "
                f"{name}=...; --help lists them"
            )


def _check(overrides: Sequence[str], config_name: str, folder: Path) -> None:
    """Refuse unusable settings before a run folder exists."""
    from omegaconf import OmegaConf

    cfg = config.compose(overrides, config_name, folder)
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        renamed = config.RENAMED.get(config_name, "")
        missing = [renamed if key == f"{renamed}_path" else key for key in missing]
        given = " ".join(f"{key}=..." for key in missing)
        raise ConfigError(
            f"{', '.join(missing)} must be given: add {given} to the command (--help says what)"
        )


def _hydra_main(task: Callable[[DictConfig], object], config_name: str, folder: Path) -> None:
    import hydra

    decorate = hydra.main(
        version_base=config.HYDRA_VERSION_BASE,
        config_path=str(folder.resolve()),
        config_name=config_name,
    )
    try:
        decorate(task)()
    except OSError as error:
        # The task's own errors have ended in `guarded`: this is Hydra, making the run's folder.
        if not error.filename:
            raise
        from molgan.library.writers import cannot_write

        raise cannot_write(f"run_dir={error.filename}", error) from error


def _full_key(error: BaseException) -> str | None:
    _, found, key = str(error).partition("full_key: ")
    return key.split()[0] if found and key.split() else None


def _output_dir() -> Path | None:
    """The folder of the run that is going on, or None if the command keeps none."""
    from hydra.core.hydra_config import HydraConfig

    if not HydraConfig.initialized() or HydraConfig.get().output_subdir is None:
        return None
    return Path(HydraConfig.get().runtime.output_dir)


def _write_to_log_file(error: BaseException) -> None:
    details = (type(error), error, error.__traceback__)
    record = _log.makeRecord(
        _log.name, logging.ERROR, __file__, 0, "%s", (str(error),), exc_info=details
    )
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere instead of failing again."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _process_state(arguments: Sequence[str]) -> Iterator[None]:
    """Arguments, Hydra's plain errors and logging as a run wants them; as before afterwards.

    So a command can also be called from a notebook or a test, more than once.
    """
    root, package = logging.getLogger(), logging.getLogger("molgan")
    argv, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    handlers, levels = list(root.handlers), (root.level, package.level)
    raise_exceptions = logging.raiseExceptions
    sys.argv = [*argv[:1], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise to us rather than print and exit
    logging.raiseExceptions = False  # a log that cannot be written must not bury the real message
    try:
        yield
    finally:
        for handler in [each for each in root.handlers if each not in handlers]:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        package.setLevel(levels[1])
        logging.raiseExceptions = raise_exceptions
        sys.argv = argv
        if full_error is None:
            os.environ.pop("HYDRA_FULL_ERROR", None)
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error
