"""Steps from an empty database to this version's tables. Within a release they only add."""
