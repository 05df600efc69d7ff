"""The tests. A package, so that no other of this name on the machine (sniffpy installs one) is taken for it."""
