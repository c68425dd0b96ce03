"""A server and a real Prometheus that watches it, and what makes each alert fire."""
