"""Matching: who should meet whom, where everybody sits, and who met."""
