"""`python -m vae_explorer`, which is also the command `vae-explorer`: the window."""

import sys

from vae_explorer.gui.app import main

if __name__ == "__main__":
    sys.exit(main())
