"""Ready-made routes for a file column, without a framework: each framework's module is a thin shell around this.

A `FileRoutes` belongs to one column, such as ``Document.file``. Each of its methods is what one route does: it loads
the row by its primary key with the user's own session, asks `authorize`, does the work, commits, and returns a value
that the framework answers with:

====================  ======================================  ======================================================
action                usual route                             returns
====================  ======================================  ======================================================
``"download"``        ``GET|HEAD {prefix}/{path}``            the `FileObject`, for the framework's ``FileResponse``
``"url"``             ``GET {prefix}/{path}/url``             ``{"url": …, "expires_in": …}``
``"upload"``          ``PUT {prefix}/{path}``                 the `FileObject`: answer 200 with its description
``"delete"``          ``DELETE {prefix}/{path}``              None: answer 204
``"ticket"``          ``POST {prefix}/{path}/ticket``         the ticket's dict: answer 201
``"claim"``           ``POST {prefix}/{path}/claim``          the `FileObject`: answer 200 with its description
====================  ======================================  ======================================================

`FileRoutes.path` is ``"{id}"``, or ``"{tenant}/{number}"`` for a key of two columns. What a method takes as `key` are
the texts in the path, one for each name in `FileRoutes.key_names`; take them as plain strings, so that every text that
is no key is answered alike. `FileRoutes.actions` are those that make sense: a file that must not be NULL cannot be
deleted.

Every method has an ``_async`` twin, which takes an `AsyncSession`, or a `Session`, which it uses in a thread. They
commit, also after the row was found, so that its connection goes back to the pool while a client or a storage takes its
time. So the session must not be inside ``session.begin()``.

Errors are not caught: `problem` says which status and which JSON each of `PROBLEMS` is answered with, in every
framework. A row that does not exist, one without a file, and one that `authorize` forbids raise the same
`NotFoundError`.
"""

from holdfast.contrib.routes.file_routes import FileRoutes
from holdfast.contrib.routes.problems import PROBLEMS, Problem, problem
from holdfast.contrib.routes.requests import Action, Authorize, TicketRequest

__all__ = ["PROBLEMS", "Action", "Authorize", "FileRoutes", "Problem", "TicketRequest", "problem"]
