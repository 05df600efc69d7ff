"""Files in SQLAlchemy: the column, the tracking of its values, and the unit of work."""
