"""What is served by uvicorn: a module has one library's ASGI application, and `process` starts it."""
