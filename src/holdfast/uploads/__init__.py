"""Uploads: forms that stream to a storage, and tickets with which clients upload by themselves.

A ticket says what may be uploaded and under which key; the claim checks what was. How the bytes travel in between (one
PUT, a form, parts) is the ticket's ``protocol``, so that another one needs neither other tickets nor other claims.
"""

from holdfast.uploads.claims import claim, claim_async
from holdfast.uploads.tickets import Ticket, issue, issue_async

__all__ = ["Ticket", "claim", "claim_async", "issue", "issue_async"]
