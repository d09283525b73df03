"""Videos: frames through an Upscaler, the other streams copied. PyAV (the extra `video`) reads and writes the files."""
