"""What belongs to no subject of this package: files, settings, states, and running a user's script."""
