"""HR images that are drawn: text in many fonts and scripts, UI elements, charts, line drawings, flat shapes.

Photographs hold hardly any letters, and letters are what networks trained on them get wrong.
"""
