"""What a development machine runs: set-up, the image builder, the rig, the linters."""
