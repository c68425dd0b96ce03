"""Holds the instructions that a forwarded packet and a join take to what was noted of them: `make guard`."""
