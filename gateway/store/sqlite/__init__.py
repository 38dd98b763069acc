"""The ports on one SQLite file: no server to install, several processes may share it."""
