"""The demonstration: train a real classifier and watch it on the emulated phone."""
