"""What the measurements of the whole program share: the mixes and their goals, making traffic, running, callgrind."""
