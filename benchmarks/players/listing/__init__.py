"""Players that list many keys."""
