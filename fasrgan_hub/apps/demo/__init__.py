"""The upscaler as a page in the browser: what `fasrgan demo` and the Space show.

`page` draws it, `work` does the work, `shelf` keeps the models, `desk` and `guard` keep the house: they know
who waits for which job, and turn away what is too much.
"""
