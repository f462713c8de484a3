"""What the shell offers after TAB: templates, lab files, running labs, their nodes, words to explain.

Rule of the file: never an error and never a wait; what cannot be found out is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

__all__ = ["lab_files", "labs", "labs_and_files", "nodes", "templates", "words"]

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offer(find: Callable[[click.Context], Iterable[str]], *, paths: bool = False) -> Completer:
    """Make a completer of a listing; `paths`: where the listing has nothing, the shell completes file names."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = sorted({word for word in find(ctx) if word.startswith(incomplete)})
        except Exception:  # noqa: BLE001 - a shell that completes shows no errors
            found = []
        if paths and not found:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in found]

    return complete


def _templates(_ctx: click.Context) -> Iterable[str]:
    from vethlab import spec

    return spec.template_names()


def _lab_files(_ctx: click.Context) -> Iterable[str]:
    from vethlab.present.cli.choose import files

    return files()


def _labs(_ctx: click.Context) -> Iterable[str]:
    from vethlab import lab

    return [one.name for one in lab.labs()]


def _labs_and_files(ctx: click.Context) -> Iterable[str]:
    return [*_labs(ctx), *_lab_files(ctx)]


def _nodes(ctx: click.Context) -> Iterable[str]:
    from vethlab.present.cli.choose import running

    return list(running(ctx.params.get("lab")).current.namespaces)


def _words(_ctx: click.Context) -> Iterable[str]:
    from vethlab.present.cli.topics import words

    return [word for kind in words().values() for word in kind]


templates = _offer(_templates)
lab_files = _offer(_lab_files, paths=True)
labs = _offer(_labs)
labs_and_files = _offer(_labs_and_files, paths=True)
nodes = _offer(_nodes)
words = _offer(_words)
