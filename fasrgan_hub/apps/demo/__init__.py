"""The upscaler as a web page: what `fasrgan demo` and the Space show.

`page` starts it; `single_image`, `image_batch` and `endpoints` are its parts. `service` runs the jobs, `processing`
computes, `model_cache` loads models.
"""
