"""Faces: they show, they decide nothing. Every command asks `vethlab.lab` and prints what it answers."""
