"""The forms of a configuration, and what they mean. Pure: no file, variable or service is looked at here."""
