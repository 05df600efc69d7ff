"""Web servers: plain ones, which are read, and WebDAV's."""
