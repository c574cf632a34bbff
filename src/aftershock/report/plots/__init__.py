"""Pictures of what was recorded, as SVG of our own: no script, no font, nothing from outside.

`course` reads a record into what can be drawn, `timeline` and `scaling` draw it, `svg` has the
primitives and `style` the colours, light and dark. No judging here: what is drawn was judged elsewhere.
"""
