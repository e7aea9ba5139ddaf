"""VAE Explorer: train variational autoencoders, and walk around in what they have learned.

`vae_explorer.engine` is the mathematics, on torch and numpy; `vae_explorer.gui` is the window.
"""

__version__ = "0.1.0"
