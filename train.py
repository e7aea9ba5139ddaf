"""Train a model from the command line: `python train.py --model joint-vae --dataset digits --out FOLDER`."""

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while torch is imported
    from vae_explorer.train import command

    sys.exit(command())
