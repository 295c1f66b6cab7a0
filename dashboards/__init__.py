"""Grafana boards as code: builders, seven boards, and what is generated from them."""
