"""What a file really is, told from its bytes: pure, and never a promise (a file can be two things at once)."""

from holdfast.inspection.sniffing import HEAD_SIZE, sniff

__all__ = ["HEAD_SIZE", "sniff"]
