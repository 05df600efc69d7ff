"""Who is who among the players, by name: Holdfast, its peers, and the floors, which do only a part of the work."""

PEERS = ("advanced-alchemy", "sqlalchemy-file", "fastapi-storages", "Starlette", "boto3", "s3fs", "fsspec", "rclone")


def is_ours(player: str) -> bool:
    """Whether it is Holdfast, in whatever way."""
    return player.startswith("Holdfast")


def is_peer(player: str) -> bool:
    """Whether it is a library that does what Holdfast does."""
    return player.startswith(PEERS)
