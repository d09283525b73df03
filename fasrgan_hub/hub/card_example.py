"""What a card says of the model's example: a small image, and what the model makes of it.

Cards name the two files; a push makes them (`apps.publish.examples`), so that they are always the model's own.
"""

import re

INPUT, OUTPUT = "example_input.png", "example_output.png"
WIDGET = [{"src": INPUT, "example_title": "96x96 pixels", "output": {"url": OUTPUT}}]
"""`widget` of a card. Outputs are looked for in the repository; inputs need an address, see `address_input`."""
GALLERY = "<Gallery />"
"""Where the card's text shows the examples of its widget."""


def address_input(card: str, repository: str) -> str:
    """The text of a card with the address of the example's input in `repository`."""
    address = f"https://huggingface.co/{repository}/resolve/main/{INPUT}"
    return re.sub(rf"(?m)^(- src: ){re.escape(INPUT)}$", rf"\g<1>{address}", card)
