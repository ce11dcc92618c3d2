"""The commands, one module a group. Each parses its options, calls one function, prints."""
