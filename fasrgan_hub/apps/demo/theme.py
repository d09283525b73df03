"""How the pages look, the demo's and the opinion study's."""

import gradio as gr

FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]

# Gradio labels its empty places and gives them no role, so that screen readers may not tell the label.
JS = """() => {
    const name = () => document.querySelectorAll("div[aria-label]:not([role])")
        .forEach(place => place.setAttribute("role", "img"));
    new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
    name();
}"""


def theme() -> gr.themes.Base:
    """Fonts of the visitor's own machine, and colors that can be read in both modes."""
    return gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=FONT, font_mono=MONO).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )
