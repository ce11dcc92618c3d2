"""Bytes into event columns: lines, frames and blocks, without input or output."""
