"""EVIDENCE_ROUTING in both words, and the PROXY protocol, by clients of every kind."""
