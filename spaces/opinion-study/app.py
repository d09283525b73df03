"""The opinion-study Space: STUDY is the Hub dataset (or folder) to rate, RATINGS the dataset that takes the ratings."""

import os

from fasrgan_hub.apps.study.app import launch

if __name__ == "__main__":
    if "STUDY" not in os.environ:
        raise SystemExit("set the variable STUDY to the Hub dataset or the folder that is to be rated")
    launch(os.environ["STUDY"], "ratings", os.environ.get("RATINGS"))
