"""Offers as browsers and other clients write them, made anew from what is published about each: a hundred shapes.

A client's module has a writer with the client's own habits (the order of its lines, its numbers, what it says for the
session and what for each section), and names the versions that differ. `munged.py` changes one thing at a time.
"""
