"""What the players do. A module imports one library only, so that no player carries another's weight."""
