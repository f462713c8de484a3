"""Writes the reference pages from the code that they describe: `./dev docs`.

What enters: the lab file's keys (spec.keys), the commands (click), the tree of errors, the declarations of findings, sysctls and drop
reasons (vethlab.explain). What leaves: docs/reference/*.md, and docs/reference/findings/ with a page for each finding;
docs/pictures/*.svg from the labs of examples/.
Rule of the file: a page says what the code says, in the code's words; a wrong sentence is mended there. A test compares the committed
pages with these functions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import click

from vethlab import errors
from vethlab.explain import findings, reasons, sysctls
from vethlab.explain.declaration import Declaration
from vethlab.model.finding import Explanation, Finding, PathHop, Where
from vethlab.present.cli import catalogue
from vethlab.present.cli.command import Group
from vethlab.present.cli.topics import EXIT_CODES, SLUGS
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.svg import svg
from vethlab.spec import load
from vethlab.spec.keys import NOUNS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
EVERYWHERE = {"-h", "--help", "--color"}
WRITTEN = "<!-- Written by docs/generate.py from the code: change it there, then run ./dev docs. -->\n\n"


def lab_file() -> str:
    """Every key of the lab file, noun by noun."""
    parts = ["# The lab file, key by key\n"]
    for noun in NOUNS:
        parts.append(f"## {noun.title.capitalize()}{f' (`{noun.path}`)' if noun.path else ''}\n")
        for key in noun.keys.values():
            notes = [f"Must be {key.kind.words}."]
            if key.required:
                notes.append("Required.")
            elif key.default:
                notes.append(f"Without it: {key.default}.")
            if key.types:
                notes.append(f"Only for networks of type {' or '.join(f'`{one}`' for one in key.types)}.")
            example = f"\n```yaml\n{key.example}\n```\n" if key.example else ""
            parts.append(f"### `{noun.topic(key.name)}`\n\n{key.meaning}\n" + "\n".join(notes) + f"\n{example}")
    return "\n".join(parts)


def shown(value: object) -> str:
    """A value as the lab file spells it."""
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else "[]" if value == () else str(value)


def command_line() -> str:
    """Every command with its examples, arguments and options."""
    group = Group()
    context = click.Context(group, info_name="vethlab")
    parts = ["# The command line\n"]
    parts.append("Every command has `-h` (one screen), `--help` (all of it) and `--color auto|always|never` (`VETHLAB_COLOR`).")
    parts.append("Standard output is data, standard error is progress. Options can come from the environment where it is said.\n")
    for title, rows in catalogue.SECTIONS:
        parts.append(f"## {title}\n")
        for name, _module, line in rows:
            command = group.get_command(context, name)
            if command is None:
                raise SystemExit(f"no command {name}")
            parts.append(f"### `vethlab {name}`\n\n{line}\n")
            parts.append(one_command(command, name))
    later = [f"| `{name}` | {what} |" for name, what in catalogue.LATER.items()]
    parts.append("## Not built yet\n\n| command | what it will do |\n|---|---|\n" + "\n".join(later) + "\n")
    return "\n".join(parts)


def one_command(command: click.Command, name: str) -> str:
    """Usage, text, examples and options of one command."""
    words = ["vethlab", name, "[OPTIONS]"]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            word = (parameter.metavar or parameter.name or "").upper().removesuffix("...")
            word = word if parameter.required or word.startswith("[") else f"[{word}]"
            words.append(word + ("..." if parameter.nargs == -1 else ""))
    paragraphs = (command.help or "").split("\n\n")[1:]
    text = "\n".join([f"```\n{' '.join(words)}\n```\n", *(f"{' '.join(part.split())}\n" for part in paragraphs)])
    examples = "\n".join(f"$ {line}" for line in getattr(command, "examples", ()))
    options = "\n".join(option_rows(command))
    return f"{text}\n```console\n{examples}\n```\n\n| option | meaning | environment |\n|---|---|---|\n{options}\n"


def option_rows(command: click.Command) -> Iterator[str]:
    """A table row for each option."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not EVERYWHERE.intersection(parameter.opts):
            names = "`, `".join([*parameter.opts, *parameter.secondary_opts])
            value = "" if parameter.is_flag or parameter.count else f" {parameter.metavar or (parameter.name or '').upper()}"
            help_ = (parameter.help or "").replace("|", "\\|")
            yield f"| `{names}`{value} | {help_} | {f'`{parameter.envvar}`' if parameter.envvar else ''} |"


def error_tree() -> str:
    """Exit codes, kinds of errors, and every slug that the code can send."""
    parts = ["# Exit codes and errors\n", "| exit code | meaning | |", "|---|---|---|"]
    parts += [f"| {code} | {short} | {text} |" for code, (short, text) in EXIT_CODES.items()]
    parts += ["\n## Kinds of errors\n", "| in Python | exit code | slug | meaning |", "|---|---|---|---|"]
    for name in sorted(errors.__all__):
        kind = getattr(errors, name)
        parts.append(f"| `{name}` | {kind.exit_code} | `{kind.slug}` | {(kind.__doc__ or '').strip().splitlines()[0]} |")
    parts += ["\n## Slugs\n", "The word in `error[...]` and in `vethlab.error/1`; `vethlab explain SLUG` prints the same.\n"]
    parts += ["| slug | meaning |", "|---|---|"]
    parts += [f"| `{slug}` | {SLUGS.get(slug, '')} |" for slug in sorted(slugs())]
    return "\n".join(parts) + "\n"


def slugs() -> set[str]:
    """Every slug of an error that the code spells out; findings have pages of their own."""
    found: set[str] = set()
    for path in sorted((ROOT / "src" / "vethlab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            value = node.value if isinstance(node, ast.keyword) and node.arg == "slug" else None
            if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == "slug" for one in node.targets):
                value = node.value
            if isinstance(value, ast.Constant) and value.value:
                found.add(str(value.value))
    return found - (set(findings.slugs()) - set(SLUGS))


def decisions() -> str:
    """The titles of all decisions."""
    pages = sorted(path for path in (DOCS / "decisions").glob("*.md") if path.name != "README.md")
    titles = {path.name: path.read_text().splitlines()[0].removeprefix("# ") for path in pages}
    return "# Decisions\n\n" + "".join(f"- [{title}]({name})\n" for name, title in titles.items())


def finding_list() -> str:
    """Every finding in one line, along a packet's way."""
    parts = ["# Findings\n", "What `vethlab why` can name. `vethlab explain SLUG` prints the same as the page of each.\n"]
    parts += ["| finding | what it means | |", "|---|---|---|"]
    parts += [f"| [`{slug}`]({slug}.md) | {coded(one.sentence)} | {one.group} |" for slug, one in findings.declarations().items()]
    return "\n".join(parts) + "\n"


def finding_page(one: Declaration) -> str:
    """One finding: what the kernel does, what decides, what mends it, and how to see it."""
    parts = [f"# {one.slug}\n", f"{coded(one.sentence)}\n", *lines(one.means), "\n## What decides\n", *lines(one.decided_by)]
    parts += ["\n## What mends it\n", *(f"{number}. {coded(text)}" for number, text in enumerate(one.mended_by, 1))]
    parts += ["\n## A lab that shows it\n", f"```yaml\n{one.lab}```\n"]
    if one.asks:
        words = [f"vethlab up {one.slug}.lab.yaml", *(f"vethlab exec {line.replace(': ', ' -- ', 1)}" for line in one.breaks)]
        words.append(f"vethlab why {' '.join(one.asks)}")
        outcome = "passes, with a warning about" if one.passes else "fails because of"
        parts.append("```console\n" + "".join(f"$ {word}\n" for word in words) + f"```\n\nThe probe {outcome} `{one.where}`.\n")
    if one.reasons:
        parts += ["## Drop reasons of the kernel that lead here\n", *reason_rows(one.reasons), ""]
    if one.sysctls:
        parts.append("Sysctls: " + ", ".join(f"[`{leaf}`](../sysctls.md#{leaf})" for leaf in one.sysctls) + ".\n")
    return "\n".join(parts)


def sysctl_list() -> str:
    """Every sysctl with its values, the rule by which they combine, and a lab."""
    parts = ["# Sysctls that decide about packets\n"]
    parts.append("`vethlab explain NAME` prints the same, with the value in each node of your running labs.\n")
    for leaf in sysctls.leaves():
        parts.append(f"## {leaf}\n")
        for one in sysctls.find(leaf):
            parts += [f"`{one.key}`" + (" (`IF`: an interface, or `all`)\n" if one.each else "\n"), *lines(one.what), ""]
            parts += ["| value | meaning |", "|---|---|", *(f"| {value} | {coded(meaning)} |" for value, meaning in one.values), ""]
            parts += [f"- Default: {one.default}.", f"- Rule: {sysctls.RULES[one.rule]}.", f"- It raises: {coded(one.raises)}."]
            parts += [f"- It leads to: [`{one.finding}`](findings/{one.finding}.md)."] if one.finding else []
            parts += [f"- More: [documentation of the kernel]({one.link}).\n", f"```yaml\n{one.lab}```\n"]
            if one.check:
                outcomes = ("passes", "fails") if one.passes else ("fails", "passes")
                parts.append(f"`vethlab check` with `{one.check}` {outcomes[0]}; without that sysctl it {outcomes[1]}.\n")
            else:
                parts.append(f"{coded(one.look[0].upper() + one.look[1:])}.\n")
    return "\n".join(parts)


def reason_list() -> str:
    """Every drop reason of the kernel's core."""
    parts = ["# Drop reasons of the kernel\n"]
    parts.append("The names of `include/net/dropreason-core.h`, without `SKB_DROP_REASON_`, as of Linux 6.18.")
    parts.append("A reason alone proves little: the function that dropped, and the configuration, say more.\n")
    parts += reason_rows(reasons.reasons())
    parts += ["\n## By the function that dropped\n", "| reason | function | findings, the likeliest first |", "|---|---|---|"]
    for (name, function), slugs_ in reasons.PAIRS.items():
        found = ", ".join(f"[`{slug}`](findings/{slug}.md)" for slug in slugs_) or "none: good packets end so too, or the header is damaged"
        parts.append(f"| `{name}` | `{function}` | {found} |")
    return "\n".join(parts) + "\n"


def reason_rows(names: Iterable[str]) -> Iterator[str]:
    """A table of drop reasons."""
    yield from ("| reason | what it says | |", "|---|---|---|")
    for name in names:
        one = reasons.reasons()[name]
        yield f"| `{name}` | {coded(one.sentence)} | {coded(one.note)} |"


def lines(text: str) -> list[str]:
    """A text with a line for each sentence."""
    return [coded(sentence) for sentence in re.split(r"(?<=[.!?])\s+", text)]


def coded(text: str) -> str:
    """Names of functions, files, settings and reasons as code; what is code already stays as it is."""
    name = re.compile(r"(?<![\w`])(?:\w*_\w*|\w+\(\)|(?:[\w.-]+/)+\w+\.[ch]|/\w[\w./-]*\w)(?:\(\))?(?:=\d+)?")
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else name.sub(lambda found: f"`{found[0]}`", part) for part in parts).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "reference/lab-file.md": lab_file,
    "reference/command-line.md": command_line,
    "reference/errors.md": error_tree,
    "reference/sysctls.md": sysctl_list,
    "reference/drop-reasons.md": reason_list,
    "reference/findings/README.md": finding_list,
    **{f"reference/findings/{slug}.md": partial(finding_page, one) for slug, one in findings.declarations().items()},
    "decisions/README.md": decisions,
}


def picture(name: str) -> str:
    """A lab of examples/, drawn as it is declared."""
    return svg(draw(load(str(ROOT / "examples" / f"{name}.lab.yaml"))))


def no_way_back() -> str:
    """The README's failure: what `vethlab why a web` shows after `vethlab exec web -- ip route delete default`."""
    way = (("a", "eth0", "out"), ("host", "p-a", "in"), ("host", "p-router", "out"), ("router", "eth0", "in"), ("router", "wan", "out"),
           ("web", "eth0", "in"))
    hops = tuple(PathHop(*place, ns, "request") for place, ns in zip(way, (0, 7_000, 19_000, 22_000, 30_000, 32_000), strict=True))
    verdict = Finding(
        "no-return-route", Where("web", None, "route"), "web has no way back to 10.9.1.11", direction="reply", grade="proven",
        last_seen=Where("web", "eth0", "ingress"),
    )
    said = [("✗ a cannot ping web: the reply dies: web has no way back to 10.9.1.11", "bad"), ("no-return-route at web (proven)", "")]
    expected = tuple(f"{node}:{interface}" for node, interface, _ in way)
    explanation = Explanation(ok=False, verdict=verdict, request=hops, expected=expected)
    return svg(draw(load(str(ROOT / "examples" / "office.lab.yaml")), said=said, explanation=explanation))


def over_lo() -> str:
    """The tutorial's pair in one namespace, mended: what `vethlab trace box:veth0 30.1.1.11` shows."""
    request = tuple(PathHop("box", *place, "request") for place in (("veth0", "out", 0), ("veth1", "in", 7_000)))
    explanation = Explanation(ok=True, request=request, reply=(PathHop("box", "lo", "in", 25_000, "reply"),), rtt_us=80.0)
    said = [("✓ box:veth0 → box · 0.08 ms", "")]
    return svg(draw(load(str(ROOT / "examples" / "same-namespace.lab.yaml")), said=said, explanation=explanation))


DRAWN = ("same-namespace", "direct", "bridge", "ovs", "docker", "overlay", "fabric")
PICTURES: dict[str, Callable[[], str]] = {
    **{f"pictures/{name}.svg": partial(picture, name) for name in DRAWN},
    "pictures/no-way-back.svg": no_way_back, "pictures/over-lo.svg": over_lo,
}


def main() -> None:
    """Write every page and every picture."""
    for name, drawn in PICTURES.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(drawn())
        print(f"wrote docs/{name}")
    for name, page in PAGES.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(WRITTEN + page())
        print(f"wrote docs/{name}")
    for path in (DOCS / "reference" / "findings").glob("*.md"):
        if f"reference/findings/{path.name}" not in PAGES:  # a finding that is not declared any more
            path.unlink()
            print(f"removed docs/reference/findings/{path.name}")


if __name__ == "__main__":
    main()
