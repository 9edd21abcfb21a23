"""Writes that cannot hurt: sequences of operations and faults against every provider."""
