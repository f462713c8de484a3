"""Pictures of labs, below the faces: values in, text out.

Enters: a topology, its state where it runs, an explanation if there is a journey to draw; leaves: SVG, HTML, Mermaid or Graphviz text.
The way of a picture is one-way: gather (scene) -> fold -> arrange (blocks) -> paint (shapes) -> a writer; the page to read
first is draw.py. Rule of the package: pure; nothing here asks a kernel or knows a terminal, and only the faces' drawing verbs import it.
"""
