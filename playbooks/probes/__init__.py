"""Reads of AWS into small frozen values. One call of `read` is one piece of evidence.

A probe that AWS does not answer raises ReadFailed and becomes a gap; it never returns a default
that could be taken for health. The functions that turn responses into values are pure.
"""
