"""Serving files over HTTP: what to answer (pure), and the ASGI and WSGI applications that send it."""
