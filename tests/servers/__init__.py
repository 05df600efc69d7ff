"""Real servers for the tests, each started once per run, and proxies that break them.

`shared` starts a server once for all processes of a run, `guard` stops it when the
run is over, `s3` and `postgres` know the servers, `proxy` sits between them and a test.
"""
