"""Public checkpoints for speech emotion recognition, and how each of them is loaded."""
