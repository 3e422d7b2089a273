"""The HTML report of one run or of several, made from their folders only: no model is loaded, no network is used."""

from capotasto.report.page import write, write_audit, write_compare, write_many, write_search

__all__ = ["write", "write_audit", "write_compare", "write_many", "write_search"]
