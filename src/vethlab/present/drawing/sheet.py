"""The style sheet of pictures: shapes of lines first, then colours, once for light and once for dark.

Rule of the file: whatever a colour says, a width, a dash or a word says too; text has at least 4.5 to 1 against its ground (WCAG 2.2).
"""

from __future__ import annotations

from vethlab.present.drawing.metrics import STYLES

__all__ = ["sheet"]

SANS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans","DejaVu Sans",Arial,sans-serif'
MONO = 'ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace'

FORMS = """\
.vethlab text{white-space:pre}
.box,.own,.switch,.frame,.chip,.chip-bad,.chip-never,.sheet,.paper{stroke-width:1.2}
.frame{stroke-dasharray:6 4}
.chip{stroke-width:.8}
.chip-bad{stroke-width:1.4;stroke-dasharray:3 2.5}
.chip-never{stroke-width:1.2;stroke-dasharray:1 3}
.cable,.stub,.tunnel,.request,.reply,.asked,.inside,.lost{fill:none;stroke-linecap:round;stroke-linejoin:round}
.cable{stroke-width:1.8}
.bundle{stroke-width:4.5}
.stub{stroke-width:1.6}
.tunnel{stroke-width:1.8;stroke-dasharray:1 6}
.dead{stroke-dasharray:2 5}
.request,.reply{stroke-width:3.2}
.reply{stroke-dasharray:8 6;stroke-linecap:butt}
.inside{stroke-width:2.6}
.asked{stroke-width:2.4;stroke-dasharray:.5 5}
.death circle{stroke-width:2}
.death path{fill:none;stroke-width:2.4;stroke-linecap:round}
.dot{stroke-width:1.8}
"""

# class or element: fill, stroke; for light, for dark
COLOURS = {
    ".paper": (("#ffffff", "none"), ("#12161c", "none")),
    ".box": (("#f6f8fb", "#5b6b80"), ("#1d242e", "#8496ad")),
    ".own": (("#ffffff", "#5b6b80"), ("#1d242e", "#8496ad")),
    ".sheet": (("#e9eef4", "#8a99ac"), ("#161c24", "#5d6d82")),
    ".switch": (("#fff7e8", "#9a6b15"), ("#2a2415", "#c79b4b")),
    ".frame": (("#f2f4f7", "#7d8a9a"), ("#171c23", "#75859a")),
    ".chip": (("#ffffff", "#b4bfcc"), ("#28313d", "#4d5c70")),
    ".chip-bad": (("#fff1f0", "#b3261e"), ("#3a1e1f", "#ff8a80")),
    ".chip-never": (("#f6f8fb", "#8a99ac"), ("#1d242e", "#75859a")),
    ".bar": (("#b07d20", "none"), ("#c79b4b", "none")),
    ".stub": (("none", "#b07d20"), ("none", "#c79b4b")),
    ".cable": (("none", "#5b6b80"), ("none", "#8496ad")),
    ".tunnel": (("none", "#6a4fb3"), ("none", "#b39df0")),
    ".dot": (("#ffffff", "#5b6b80"), ("#12161c", "#8496ad")),
    ".dot.bad": (("#ffffff", "#b3261e"), ("#12161c", "#ff8a80")),
    ".request": (("none", "#0b62c4"), ("none", "#69b1ff")),
    ".arrow.request": (("#0b62c4", "none"), ("#69b1ff", "none")),
    ".reply": (("none", "#11795a"), ("none", "#4fd1a5")),
    ".arrow.reply": (("#11795a", "none"), ("#4fd1a5", "none")),
    ".asked": (("none", "#0b62c4"), ("none", "#69b1ff")),
    ".death circle": (("#b3261e", "#ffffff"), ("#ff8a80", "#12161c")),
    ".death path": (("none", "#ffffff"), ("none", "#12161c")),
    "text": (("#1c2530", "none"), ("#e6ebf2", "none")),
    ".caption,.word,.legend,.lead": (("#46535f", "none"), ("#b3bfcd", "none")),
    ".hop.request": (("#0b55ab", "none"), ("#8cc4ff", "none")),
    ".hop.reply": (("#0d664b", "none"), ("#66dbb2", "none")),
    ".never": (("#5a6672", "none"), ("#9aa7b6", "none")),
    ".bad,.fault": (("#9f1d16", "none"), ("#ffa49b", "none")),
}


def sheet() -> str:
    """The whole style sheet."""
    fonts = "".join(
        f".vethlab .{name}{{font:{'700' if style.bold else '400'} {style.size:g}px {MONO if style.fixed else SANS}}}\n"
        for name, style in STYLES.items()
    )
    return f"\n{FORMS}{fonts}{_colours(0)}@media (prefers-color-scheme:dark){{\n{_colours(1)}}}\n"


def _colours(theme: int) -> str:
    rules = []
    for names, pairs in COLOURS.items():
        fill, stroke = pairs[theme]
        selector = ",".join(f".vethlab {name}" for name in names.split(","))
        rules.append(f"{selector}{{fill:{fill};stroke:{stroke}}}\n" if stroke != "none" or fill != "none" else "")
    return "".join(rules)
