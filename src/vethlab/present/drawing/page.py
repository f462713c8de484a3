"""What a page looks like, and the little that it does by itself.

Rule of the file: no foreign address, no font, no library; the script only adds classes and sets a width.
"""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root{color-scheme:light dark}
body{margin:0 auto;padding:1.5rem;max-width:80rem;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;\
color:#1c2530;background:#ffffff}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
header p{margin:.1rem 0;color:#46535f}
header .bad{color:#9f1d16;font-weight:600}
figure{margin:1.2rem 0}
.view{overflow:auto;border:1px solid #b4bfcc;border-radius:10px}
.view svg{display:block;max-width:100%;height:auto;margin:0 auto}
@media (max-width:50rem){.view svg{max-width:none}}
.tools{margin-bottom:.5rem}
button{font:inherit;font-size:.85rem;padding:.15rem .7rem;margin-right:.4rem;border:1px solid #8a99ac;border-radius:6px;background:#f6f8fb;\
color:inherit}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #dde3ea}
th{font-weight:600;color:#46535f}
.number{text-align:right;font-variant-numeric:tabular-nums}
tr.fault td{color:#9f1d16;font-weight:600}
tr.never td{color:#5a6672;font-style:italic}
code{font:.92em ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
p,ul{margin:.3rem 0}
td.number,td:nth-child(2){white-space:nowrap}
p code{background:#eef1f5;border-radius:4px;padding:.1rem .35rem;white-space:pre-wrap}
.words{font-size:.9rem;color:#46535f;padding-left:1.2rem}
tr.lit td{background:#e3effc}
.vethlab .lit .cable,.vethlab .lit .tunnel{stroke-width:4}
.vethlab .lit .box,.vethlab .lit .switch,.vethlab .lit .own{stroke-width:2.6}
:focus-visible{outline:2px solid #0b62c4;outline-offset:2px}
@media (prefers-color-scheme:dark){
body{color:#e6ebf2;background:#12161c}
header p,th,.words{color:#b3bfcd}
header .bad,tr.fault td{color:#ffa49b}
tr.never td{color:#9aa7b6}
.view{border-color:#4d5c70}
button{background:#1d242e;border-color:#5d6d82}
th,td{border-color:#2a3340}
p code{background:#1d242e}
tr.lit td{background:#17304d}
:focus-visible{outline-color:#69b1ff}
}
@media print{.tools{display:none}.view{border:0}}
"""

SCRIPT = """
(function () {
  "use strict";
  var svg = document.querySelector(".view svg"), tools = document.querySelector(".tools");
  var natural = Number(svg.getAttribute("width")), drawn = Array.from(svg.querySelectorAll("[data-about]"));
  var rows = Array.from(document.querySelectorAll("tr[data-key]"));
  tools.hidden = false;
  tools.addEventListener("click", function (event) {
    var factor = event.target.dataset.zoom;
    if (factor === undefined) return;
    var width = factor === "0" ? 0 : Math.min(Math.max(svg.clientWidth * Number(factor), 120), natural * 6);
    svg.style.maxWidth = width ? "none" : "";
    svg.style.width = width ? width + "px" : "";
  });
  function about(shape) { return JSON.parse(shape.dataset.about); }
  function belongs(key, shape) {
    return about(shape).some(function (one) { return one === key || key.startsWith(one + ":"); });
  }
  function light(shapes, lines, on) {
    shapes.concat(lines).forEach(function (one) { one.classList.toggle("lit", on); });
  }
  rows.forEach(function (row) {
    var shapes = drawn.filter(function (shape) { return belongs(row.dataset.key, shape); });
    ["mouseenter", "focus"].forEach(function (name) { row.addEventListener(name, function () { light(shapes, [row], true); }); });
    ["mouseleave", "blur"].forEach(function (name) { row.addEventListener(name, function () { light(shapes, [row], false); }); });
  });
  drawn.forEach(function (shape) {
    var lines = rows.filter(function (row) { return belongs(row.dataset.key, shape); });
    shape.addEventListener("mouseenter", function () { light([shape], lines, true); });
    shape.addEventListener("mouseleave", function () { light([shape], lines, false); });
  });
})();
"""
