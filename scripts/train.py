"""Train a system: accelerate launch scripts/train.py --system fasrgan-lite --data folder:DIR --output RUN."""

import sys

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.command_line import parse
from fasrgan_hub.training.loop import train

if __name__ == "__main__":
    try:
        train(*parse())
    except UserError as error:
        # What a data process raises comes with its traceback in front.
        line = str(error).strip().splitlines()[-1].removeprefix("fasrgan_hub.errors.UserError: ")
        print(f"train.py: error: {line}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("train.py: stopped; --resume latest goes on", file=sys.stderr)
        sys.exit(130)
