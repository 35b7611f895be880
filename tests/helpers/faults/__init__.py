"""Faults that are really caused: one module for each kind."""
