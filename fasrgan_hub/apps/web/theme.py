"""The theme of both pages."""

import gradio as gr

# Fonts of the visitor's own machine: nothing is fetched from another server.
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO_FONT = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]


def make_theme() -> gr.themes.Base:
    """Gradio's default theme with colors of enough contrast in light and dark mode."""
    return gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=FONT, font_mono=MONO_FONT).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )
